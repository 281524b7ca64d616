import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { CacheKey } from '../../base/cache-key.ts';
import { digestOf } from '../../base/digest.ts';
import type { FoundOutput } from '../archiver/outputs.ts';
import type { TaskId } from '../task-graph/task.ts';
import { readState, writeState } from './state-file.ts';

/** `path, size, mtime, ctime, inode, mode`: how an output looked when it was last made or restored. */
type OutputRow = readonly [string, number, number, number, number, number];

interface TaskRecord {
  readonly key: CacheKey;
  readonly durationMs: number;
  readonly hasLog: boolean;
  readonly rows: readonly OutputRow[];
}

const VERSION = 'outputs-v1';

/**
 * What each task's outputs looked like after its last run, so that "nothing changed" is answered
 * by looking at them: nothing is read, moved or run.
 */
export class OutputState {
  readonly #file: string;
  readonly #logs: string;
  readonly #tasks: Map<string, TaskRecord>;
  readonly #rowsByPath = new WeakMap<TaskRecord, ReadonlyMap<string, OutputRow>>();
  #changed = false;
  #trouble: Error | undefined;

  constructor(folder: string) {
    this.#file = join(folder, 'outputs.json');
    this.#logs = join(folder, 'logs');
    this.#tasks = new Map(Object.entries(readState<Record<string, TaskRecord>>(this.#file, VERSION) ?? {}));
  }

  /**
   * How long the task took, where its outputs are exactly those of this key: each there and
   * untouched, no other beside them, and what it printed is known.
   * @param look finds what is there, in the order of its paths; asked only where the key is right. `undefined`:
   *   what is there cannot be this task's.
   */
  durationIfCurrent(
    id: TaskId,
    key: CacheKey,
    look: () => readonly FoundOutput[] | undefined,
  ): number | undefined {
    const record = this.#tasks.get(id);
    if (record?.key !== key || (record.hasLog && !existsSync(this.#logFile(id, key)))) return undefined;
    const outputs = look();
    const isCurrent =
      outputs?.length === record.rows.length &&
      outputs.every((output, index) => isSame(output, record.rows[index]));
    return isCurrent ? record.durationMs : undefined;
  }

  /** Whether the task made this output, and it is as the task left it. */
  hasMade(id: TaskId, output: FoundOutput): boolean {
    return isSame(output, this.#rowOf(id, output.path));
  }

  /** Whether the task made an output of this path, whatever has become of it. */
  madePath(id: TaskId, path: string): boolean {
    return this.#rowOf(id, path) !== undefined;
  }

  #rowOf(id: TaskId, path: string): OutputRow | undefined {
    const record = this.#tasks.get(id);
    if (!record) return undefined;
    let rows = this.#rowsByPath.get(record);
    if (!rows) {
      rows = new Map(record.rows.map((row) => [row[0], row]));
      this.#rowsByPath.set(record, rows);
    }
    return rows.get(path);
  }

  /**
   * Remembers outputs as they are now. Call it after the task's last output was written. Where the
   * log cannot be kept the task is forgotten; `save` tells why.
   */
  record(id: TaskId, key: CacheKey, durationMs: number, found: readonly FoundOutput[], log: Buffer): void {
    this.#changed = true;
    try {
      if (log.length > 0) this.#writeLog(id, key, log);
    } catch (error) {
      this.#trouble = error as Error;
      this.#tasks.delete(id);
      return;
    }
    const rows = found.map(({ path, stats }) => toRow(path, stats));
    this.#tasks.set(id, { key, durationMs, hasLog: log.length > 0, rows });
  }

  forget(id: TaskId): void {
    if (this.#tasks.delete(id)) this.#changed = true;
  }

  /** What the task printed; empty where that was lost. */
  logOf(id: TaskId): Buffer {
    const record = this.#tasks.get(id);
    if (record?.hasLog !== true) return Buffer.alloc(0);
    try {
      return readFileSync(this.#logFile(id, record.key));
    } catch {
      return Buffer.alloc(0);
    }
  }

  /** Keeps the records for the next run, and their logs; the trouble, where there was any. */
  save(): Error | undefined {
    if (!this.#changed) return undefined;
    const trouble = writeState(this.#file, VERSION, Object.fromEntries(this.#tasks)) ?? this.#trouble;
    if (trouble === undefined) this.#dropOtherLogs();
    return trouble;
  }

  /** Whole or not at all, and beside the log of the record that is still the saved one. */
  #writeLog(id: TaskId, key: CacheKey, log: Buffer): void {
    const file = this.#logFile(id, key);
    const temp = `${file}.${process.pid}.tmp`;
    mkdirSync(this.#logs, { recursive: true });
    writeFileSync(temp, log);
    renameSync(temp, file);
  }

  /** Once the records that pointed at them are gone. A log that stays is dropped by a later run. */
  #dropOtherLogs(): void {
    const kept = new Set([...this.#tasks].map(([id, { key }]) => this.#logName(id, key)));
    try {
      for (const name of existsSync(this.#logs) ? readdirSync(this.#logs) : []) {
        if (!kept.has(name)) rmSync(join(this.#logs, name), { force: true });
      }
    } catch {
      // it takes room, and nothing else
    }
  }

  #logFile(id: string, key: CacheKey): string {
    return join(this.#logs, this.#logName(id, key));
  }

  #logName(id: string, key: CacheKey): string {
    return `${digestOf(id).slice(0, 16)}-${key.slice(0, 32)}.log`;
  }
}

function toRow(path: string, { size, mtimeMs, ctimeMs, ino, mode }: Stats): OutputRow {
  return [path, size, mtimeMs, ctimeMs, ino, mode];
}

function isSame({ path, stats }: FoundOutput, row: OutputRow | undefined): boolean {
  if (row === undefined || path !== row[0]) return false;
  // A folder's times and size change with what comes and goes in it; that it is empty is all there is to know.
  if (stats.isDirectory()) return stats.mode === row[5];
  const [, size, mtimeMs, ctimeMs, ino, mode] = row;
  return (
    stats.size === size &&
    stats.mtimeMs === mtimeMs &&
    stats.ctimeMs === ctimeMs &&
    stats.ino === ino &&
    stats.mode === mode
  );
}
