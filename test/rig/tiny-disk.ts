import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { openTempFolder, type TempFolder } from './temp-folder.ts';

const run = promisify(execFile);

/** A file system of a few MiB (tmpfs) that really runs full and really refuses writes. Mounting it needs root. */
export class TinyDisk implements AsyncDisposable {
  readonly path: string;
  readonly #folder: TempFolder;

  private constructor(folder: TempFolder) {
    this.path = folder.path;
    this.#folder = folder;
  }

  /** `{ skip }` says why there can be none here. */
  static async mount(mebibytes: number): Promise<TinyDisk | { skip: string }> {
    const folder = await openTempFolder();
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'velocity-test', folder.path]);
      return new TinyDisk(folder);
    } catch {
      await folder[Symbol.asyncDispose]();
      return { skip: 'skipped: needs a small file system of its own, and only root may mount a tmpfs' };
    }
  }

  async resize(mebibytes: number): Promise<void> {
    await this.#remount(`size=${mebibytes}m`);
  }

  async makeReadOnly(): Promise<void> {
    await this.#remount('ro');
  }

  async makeWritable(): Promise<void> {
    await this.#remount('rw');
  }

  async #remount(option: string): Promise<void> {
    await run('mount', ['-o', `remount,${option}`, this.path]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await run('umount', [this.path]);
    await this.#folder[Symbol.asyncDispose]();
  }
}
