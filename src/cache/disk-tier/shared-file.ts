import type { Descriptor } from '../../storage/drivers/local/descriptor.ts';
import type { QuickCalls } from '../../storage/drivers/local/quick-calls.ts';

/**
 * An open file that several use. It is closed when the last of them is done, and never while a call is under way: the
 * system would give its number to another file, and the call would read that one.
 */
export class SharedFile {
  readonly #calls: QuickCalls;
  #file: Descriptor | undefined;
  #users = 1;
  #written = 0;

  /** @param file `undefined`: it is not open yet; who writes it does that */
  constructor(calls: QuickCalls, file?: Descriptor) {
    this.#calls = calls;
    this.#file = file;
  }

  get isOpen(): boolean {
    return this.#file !== undefined;
  }

  /** For another user, who releases it, too. `undefined`: all are done with it. */
  share(): this | undefined {
    if (this.#users === 0) return undefined;
    this.#users++;
    return this;
  }

  release(): void {
    if (--this.#users > 0 || this.#file === undefined) return;
    // Whether the last bytes reached the disk shows when they are read: all are checked.
    this.#calls.closeWritten(this.#file, this.#written).catch(() => {});
    this.#file = undefined;
  }

  /** For one who writes it from its beginning. */
  async create(path: string): Promise<void> {
    this.#file = await this.#calls.open(path, 'wx+');
  }

  /** At its end. */
  async append(chunks: readonly Uint8Array[]): Promise<void> {
    await this.#using(async (file) => {
      await this.#calls.write(file, chunks);
      for (const chunk of chunks) this.#written += chunk.length;
    });
  }

  /** Fills `target` from `position` on; fewer bytes than asked for are there where the file ends before. */
  async readInto(target: Buffer, position: number): Promise<number> {
    return this.#using((file) => this.#calls.readInto(file, target, position));
  }

  async #using<T>(work: (file: Descriptor) => Promise<T>): Promise<T> {
    if (this.#file === undefined) throw new Error('unreachable: the file is not open');
    this.#users++;
    try {
      return await work(this.#file);
    } finally {
      this.release();
    }
  }
}
