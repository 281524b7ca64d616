import type { Digest } from '../../base/digest.ts';
import type { BlobFacts } from './blob-files.ts';

/** Some megabytes. One that is forgotten is digested again. */
const MOST = 16_384;

interface Known {
  readonly inode: bigint;
  readonly sizeBytes: number;
  readonly changedNs: bigint;
  /** `undefined`: our own doing has moved it since, for names came and went. */
  readonly touchedNs: bigint | undefined;
}

/**
 * Which blobs are known to be right as long as the system says the same of them. In memory alone: after a power cut a
 * file may have its size and time and not its bytes, and nothing but these tells.
 */
export class KnownBlobs {
  readonly #known = new Map<Digest, Known>();
  readonly #most: number;

  constructor(most = MOST) {
    this.#most = most;
  }

  /** It was written by us, and nobody else had a chance to. */
  wasKept(digest: Digest, { inode, sizeBytes, changedNs }: BlobFacts): void {
    this.#remember(digest, { inode, sizeBytes, changedNs, touchedNs: undefined });
  }

  /** It was digested, and looked the same before and after. */
  wasFoundRight(digest: Digest, { inode, sizeBytes, changedNs, touchedNs }: BlobFacts): void {
    this.#remember(digest, { inode, sizeBytes, changedNs, touchedNs });
  }

  isRight(digest: Digest, facts: BlobFacts): boolean {
    const known = this.#known.get(digest);
    if (!known) return false;
    this.#remember(digest, known);
    return (
      known.inode === facts.inode &&
      known.sizeBytes === facts.sizeBytes &&
      known.changedNs === facts.changedNs &&
      (known.touchedNs === undefined || known.touchedNs === facts.touchedNs)
    );
  }

  forget(digest: Digest): void {
    this.#known.delete(digest);
  }

  /** As the newest; the one that was of no use for longest goes. */
  #remember(digest: Digest, known: Known): void {
    this.#known.delete(digest);
    this.#known.set(digest, known);
    if (this.#known.size <= this.#most) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}
