import type { Digest } from '../../base/digest.ts';

/** Who uses a blob keeps it from being swept, and who sweeps it is waited for. */
export class BlobsInUse {
  readonly #users = new Map<Digest, number>();
  readonly #leaving = new Map<Digest, Promise<unknown>>();

  async use(digest: Digest): Promise<Disposable> {
    while (this.#leaving.has(digest)) await this.#leaving.get(digest);
    this.#users.set(digest, (this.#users.get(digest) ?? 0) + 1);
    let isUsed = true;
    return {
      [Symbol.dispose]: () => {
        if (isUsed) this.#release(digest);
        isUsed = false;
      },
    };
  }

  /** @param remove never rejects; not begun where the blob is in use, and that is `false` */
  async unlessUsed(digest: Digest, remove: () => Promise<boolean>): Promise<boolean> {
    if (this.#users.has(digest) || this.#leaving.has(digest)) return false;
    const removal = remove().finally(() => this.#leaving.delete(digest));
    this.#leaving.set(digest, removal);
    return removal;
  }

  #release(digest: Digest): void {
    const others = (this.#users.get(digest) ?? 1) - 1;
    if (others === 0) this.#users.delete(digest);
    else this.#users.set(digest, others);
  }
}
