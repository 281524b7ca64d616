import { randomBytes } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { isRunning, thisHost } from '../../../base/process-identity.ts';
import { makeFolder } from './make-folder.ts';

/** A file nobody has touched for so long belongs to a writer that is gone, whatever its machine. */
const ABANDONED_AFTER_MS = 24 * 3600_000;

const NAME = /^(?<host>[A-Za-z0-9_-]+)\.(?<pid>[1-9]\d*)\.(?<boot>[0-9a-f]{12})\.\d+$/;

/**
 * Names for files that are being written: `<host>.<pid>.<boot>.<n>`. Several processes
 * may share a folder, so the sweep must tell a dead writer's file from a live one's.
 * A file of any other name is none of ours and is never touched.
 */
export class TempFiles {
  readonly folder: string;
  readonly #host = thisHost();
  /** Tells this process from an earlier one with its pid, as containers restart with pid 1. */
  readonly #boot = randomBytes(6).toString('hex');
  readonly #clock: Clock;
  #count = 0;

  constructor(folder: string, clock: Clock) {
    this.folder = folder;
    this.#clock = clock;
  }

  next(): string {
    return join(this.folder, `${this.#host}.${process.pid}.${this.#boot}.${this.#count++}`);
  }

  /** Removes what dead writers left; how many files that were. */
  async sweep(): Promise<number> {
    await makeFolder(this.folder);
    let swept = 0;
    for (const entry of await readdir(this.folder, { withFileTypes: true })) {
      const { name } = entry;
      if (!entry.isFile() || !(await this.#isAbandoned(name))) continue;
      await rm(join(this.folder, name), { force: true });
      swept++;
    }
    return swept;
  }

  async #isAbandoned(name: string): Promise<boolean> {
    const writer = NAME.exec(name)?.groups;
    if (!writer) return false;
    const pid = Number(writer['pid']);
    if (writer['host'] === this.#host && Number.isSafeInteger(pid)) {
      if (pid === process.pid) return writer['boot'] !== this.#boot;
      if (!isRunning(pid)) return true;
    }
    const { mtimeMs } = await stat(join(this.folder, name)).catch(() => ({
      mtimeMs: Number.POSITIVE_INFINITY,
    }));
    return this.#clock.now() - mtimeMs > ABANDONED_AFTER_MS;
  }
}
