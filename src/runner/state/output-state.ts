import { existsSync, mkdirSync, readFileSync, type Stats, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CacheKey } from '../../base/cache-key.ts';
import { digestOf } from '../../base/digest.ts';
import type { FoundOutput, TaskOutputs } from '../archiver/outputs.ts';
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
  #changed = false;
  #trouble: Error | undefined;

  constructor(folder: string) {
    this.#file = join(folder, 'outputs.json');
    this.#logs = join(folder, 'logs');
    this.#tasks = new Map(Object.entries(readState<Record<string, TaskRecord>>(this.#file, VERSION) ?? {}));
  }

  /**
   * How long the task took, where its outputs are exactly those of this key: each there and
   * untouched, and no other beside them.
   */
  durationIfCurrent(id: TaskId, key: CacheKey, outputs: TaskOutputs): number | undefined {
    const record = this.#tasks.get(id);
    if (record?.key !== key) return undefined;
    const found = outputs.find();
    const isCurrent =
      found.length === record.rows.length &&
      found.every((output, index) => outputs.matches(output.path) && isSame(output, record.rows[index]));
    return isCurrent ? record.durationMs : undefined;
  }

  /**
   * Remembers outputs as they are now. Call it after the task's last output was written. Where the
   * log cannot be kept the task is forgotten; `save` tells why.
   */
  record(id: TaskId, key: CacheKey, durationMs: number, outputs: TaskOutputs, log: Buffer): void {
    this.#changed = true;
    try {
      this.#writeLog(id, log);
    } catch (error) {
      this.#trouble = error as Error;
      this.#tasks.delete(id);
      return;
    }
    const rows = outputs.find().map(({ path, stats }) => toRow(path, stats));
    this.#tasks.set(id, { key, durationMs, hasLog: log.length > 0, rows });
  }

  forget(id: TaskId): void {
    if (this.#tasks.delete(id)) this.#changed = true;
  }

  /** What the task printed; empty where that was lost. */
  logOf(id: TaskId): Buffer {
    if (this.#tasks.get(id)?.hasLog !== true) return Buffer.alloc(0);
    try {
      return readFileSync(this.#logFile(id));
    } catch {
      return Buffer.alloc(0);
    }
  }

  /** Keeps the records for the next run; the trouble, where there was any. */
  save(): Error | undefined {
    if (!this.#changed) return undefined;
    return writeState(this.#file, VERSION, Object.fromEntries(this.#tasks)) ?? this.#trouble;
  }

  #writeLog(id: TaskId, log: Buffer): void {
    const file = this.#logFile(id);
    if (log.length === 0 && !existsSync(file)) return;
    mkdirSync(this.#logs, { recursive: true });
    writeFileSync(file, log);
  }

  #logFile(id: TaskId): string {
    return join(this.#logs, `${digestOf(id).slice(0, 32)}.log`);
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
