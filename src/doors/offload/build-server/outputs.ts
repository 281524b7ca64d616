import { statSync } from 'node:fs';
import { mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { type Digest, isSha256Hex } from '../../../base/digest.ts';
import { codeOrName, systemCode, VelocityError } from '../../../base/errors.ts';
import { FolderLock } from '../../../base/folder-lock.ts';
import { endOf } from './bounded-log.ts';
import { OUR_FILES, type OutputRecord, parseOutputRecord } from './output-record.ts';

export interface OutputLimits {
  readonly entries: number;
  /** Bytes of binaries. */
  readonly size: number;
  /** Milliseconds after its build that a binary is given out; of a spec with a branch in it. */
  readonly age: number;
  readonly moving_age: number;
}

/** A build that is over, to be kept. */
export interface Finished {
  /** Where the binary is, in its working folder. */
  readonly path: string;
  readonly log: Buffer;
  readonly record: Omit<OutputRecord, 'version' | 'file'>;
}

export interface Output {
  readonly path: string;
  readonly record: OutputRecord;
}

const [RECORD, LOG] = OUR_FILES;
/** Logs of builds that failed; the oldest go. */
const MAX_FAILED_LOGS = 100;

/**
 * A folder of binaries, one for each key: `{key}/{name}`, `build.log`, `build.json`. What is known of them is in memory, so
 * that a look is done in one step.
 */
export class Outputs {
  readonly #folder: string;
  readonly #lock: FolderLock;
  readonly #limits: OutputLimits;
  readonly #clock: Clock;
  /** The one that was asked for longest ago comes first. */
  readonly #records = new Map<Digest, OutputRecord>();
  #failed: readonly string[] = [];
  /** Changes of the folder, one after the other. */
  #changes: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, lock: FolderLock, limits: OutputLimits, clock: Clock) {
    this.#folder = folder;
    this.#lock = lock;
    this.#limits = limits;
    this.#clock = clock;
  }

  /**
   * Finds what was kept before, and takes away what a build left that was cut off.
   * @throws VelocityError `STORAGE_UNAVAILABLE`
   */
  static async open(given: string, limits: OutputLimits, clock: Clock): Promise<Outputs> {
    try {
      await mkdir(join(given, INNER, FAILED), { recursive: true });
      const folder = await realpath(given);
      const lock = await FolderLock.take(join(folder, INNER, 'lock'), 'the folder of outputs');
      const outputs = new Outputs(folder, lock, limits, clock);
      await rm(join(folder, INNER, WORK), { recursive: true, force: true });
      await outputs.#load();
      await outputs.prune();
      return outputs;
    } catch (error) {
      if (error instanceof VelocityError) throw error;
      const message = `The folder of outputs cannot be used: ${codeOrName(error)}. (${given})`;
      throw new VelocityError('STORAGE_UNAVAILABLE', message, { cause: error });
    }
  }

  get size(): number {
    return this.#records.size;
  }

  /** What is kept, if it is of this recipe, young enough and still there as it was. */
  find(key: Digest, recipeDigest: Digest): Output | undefined {
    const record = this.#records.get(key);
    if (record?.recipeDigest !== recipeDigest || this.#isTooOld(record)) return undefined;
    const path = this.#pathOf(record);
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found?.isFile() || found.size !== record.bytes) return undefined;
    this.#records.delete(key);
    this.#records.set(key, record);
    return { path, record };
  }

  /** The end of what its build printed; empty where that is not there any longer. */
  async logEndOf({ record }: Output, maxBytes: number): Promise<string> {
    const log = await readFile(join(this.#folder, record.key, LOG)).catch(() => Buffer.alloc(0));
    return endOf(log, maxBytes);
  }

  /** A new folder for one build, on the same disk as the outputs. */
  async makeWorkFolder(buildId: string): Promise<string> {
    const path = join(this.#folder, INNER, WORK, buildId);
    await mkdir(path, { recursive: true }).catch(asVelocityError);
    return path;
  }

  /**
   * Moves a binary to its place, in one step: whoever has the one before it open reads on.
   * @throws VelocityError `STORAGE_FULL`, `STORAGE_UNAVAILABLE`
   */
  publish(finished: Finished): Promise<Output> {
    return this.#change(async () => {
      const record: OutputRecord = { version: 1, ...finished.record, file: basename(finished.path) };
      const folder = join(this.#folder, record.key);
      await mkdir(folder, { recursive: true });
      // Beside the command's folder, in which a link could lead anywhere.
      const aside = join(this.#folder, INNER, WORK, record.buildId);
      await writeFile(`${aside}.json`, `${JSON.stringify(record)}\n`);
      await writeFile(`${aside}.log`, finished.log);
      // The record last: where a kill comes between, it tells of another size, or of the same spec's binary.
      await rename(`${aside}.log`, join(folder, LOG));
      await rename(finished.path, join(folder, record.file));
      await rename(`${aside}.json`, join(folder, RECORD));
      this.#records.delete(record.key);
      this.#records.set(record.key, record);
      await this.#prune();
      return { path: this.#pathOf(record), record };
    });
  }

  keepFailedLog(buildId: string, log: Buffer): Promise<void> {
    return this.#change(async () => {
      await writeFile(this.#failedPath(`${buildId}.log`), log);
      this.#failed = [...this.#failed, `${buildId}.log`];
      const gone = this.#failed.slice(0, -MAX_FAILED_LOGS);
      this.#failed = this.#failed.slice(-MAX_FAILED_LOGS);
      for (const name of gone) await rm(this.#failedPath(name), { force: true });
    });
  }

  /** Removes what is beyond the limits: what is too old, then what was not asked for the longest. */
  prune(): Promise<void> {
    return this.#change(() => this.#prune());
  }

  async close(): Promise<void> {
    await this.#changes;
    await this.#lock.release();
  }

  async #prune(): Promise<void> {
    let bytes = [...this.#records.values()].reduce((sum, record) => sum + record.bytes, 0);
    for (const record of [...this.#records.values()]) {
      const isOver = bytes > this.#limits.size || this.#records.size > this.#limits.entries;
      // The last one is on its way to whoever asked for it.
      const isLast = this.#records.size === 1;
      if (!this.#isTooOld(record) && (!isOver || isLast)) continue;
      this.#records.delete(record.key);
      bytes -= record.bytes;
      await rm(join(this.#folder, record.key), { recursive: true, force: true });
    }
  }

  async #load(): Promise<void> {
    const names = (await readdir(this.#folder)).filter(isSha256Hex);
    const found = await Promise.all(names.map((name) => this.#read(name)));
    const records = found.filter((record) => record !== undefined).sort((a, b) => a.builtAt - b.builtAt);
    for (const record of records) this.#records.set(record.key, record);
    const logs = await readdir(join(this.#folder, INNER, FAILED));
    const times = await Promise.all(logs.map(async (name) => (await stat(this.#failedPath(name))).mtimeMs));
    this.#failed = logs
      .map((name, index) => ({ name, time: times[index] ?? 0 }))
      .sort((a, b) => a.time - b.time)
      .map(({ name }) => name);
  }

  /** A folder without a whole record and its binary is what a kill left. */
  async #read(name: string): Promise<OutputRecord | undefined> {
    const folder = join(this.#folder, name);
    const text = await readFile(join(folder, RECORD), 'utf8').catch(() => '');
    const record = parseOutputRecord(text);
    if (record?.key === name) {
      const found = await stat(join(folder, record.file)).catch(() => undefined);
      if (found?.isFile() && found.size === record.bytes) return record;
    }
    await rm(folder, { recursive: true, force: true });
    return undefined;
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changes.then(work).catch(asVelocityError);
    this.#changes = done.catch(() => {}); // told to who wanted the change
    return done;
  }

  #isTooOld({ builtAt, isMoving }: OutputRecord): boolean {
    const { age, moving_age: movingAge } = this.#limits;
    return this.#clock.now() - builtAt > (isMoving ? Math.min(age, movingAge) : age);
  }

  #pathOf({ key, file }: OutputRecord): string {
    return join(this.#folder, key, file);
  }

  #failedPath(name: string): string {
    return join(this.#folder, INNER, FAILED, name);
  }
}

/** Our own corner of the folder. */
const [INNER, WORK, FAILED] = ['.velocity', 'work', 'failed'];

function asVelocityError(error: unknown): never {
  const isFull = ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');
  const message = isFull
    ? 'The disk of the outputs has no room left.'
    : `The folder of outputs cannot be written: ${codeOrName(error)}.`;
  throw new VelocityError(isFull ? 'STORAGE_FULL' : 'STORAGE_UNAVAILABLE', message, { cause: error });
}
