import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { type Digest, digestOf } from '../../../base/digest.ts';

/** Larger than any policy that was seen by several times. */
const MAX_MODULE_BYTES = 16 * 1024 * 1024;
const LOOK_EVERY_MS = 2_000;

/** What a file was when it was read. */
export interface PolicyBytes {
  readonly bytes: Buffer;
  readonly digest: Digest;
}

/** Looks at a file again and again. Its content decides whether it has changed, and times when it is worth reading. */
export class PolicyFile {
  readonly path: string;
  readonly #clock: Clock;
  #seen: string | undefined;
  #digest: Digest | undefined;
  #trouble: string | undefined;
  #cancel: (() => void) | undefined;

  constructor(path: string, clock: Clock) {
    this.path = isAbsolute(path) ? path : resolve(path);
    this.#clock = clock;
  }

  /** `undefined` where it is as it was read last. Rejects as the system says where it cannot be read. */
  async readIfChanged(): Promise<PolicyBytes | undefined> {
    const facts = await stat(this.path, { bigint: true });
    const { mtimeNs, ctimeNs, size, ino } = facts;
    this.#trouble = undefined;
    const seen = `${mtimeNs} ${ctimeNs} ${size} ${ino}`;
    if (seen === this.#seen) return undefined;
    if (!facts.isFile()) throw new TypeError('it is no file'); // a pipe would be waited for
    if (size > MAX_MODULE_BYTES) throw new RangeError(`it has more than ${MAX_MODULE_BYTES} bytes`);
    const bytes = await readFile(this.path);
    const digest = digestOf(bytes);
    this.#seen = seen;
    if (digest === this.#digest) return undefined;
    this.#digest = digest;
    return { bytes, digest };
  }

  /** Whether this trouble is another than the last, since when the file could not be looked at. */
  isNews(trouble: string): boolean {
    const isNews = trouble !== this.#trouble;
    this.#trouble = trouble;
    return isNews;
  }

  /** @param look is called now and then, next once it is done */
  watch(look: () => Promise<void>): void {
    this.#cancel = this.#clock.after(LOOK_EVERY_MS, () => {
      const stopped = this.#cancel;
      void look().finally(() => {
        if (this.#cancel === stopped) this.watch(look);
      });
    });
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
