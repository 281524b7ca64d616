import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import type { Digest } from '../../base/digest.ts';
import type { DigestPool } from '../../base/file-digest/digest-pool.ts';
import { Singleflight } from '../../base/singleflight.ts';
import type { QuickCalls } from '../../storage/drivers/local/quick-calls.ts';
import { type BlobFacts, BlobFiles, toFacts } from './blob-files.ts';
import type { OnBlobTrouble } from './blob-trouble.ts';
import { BlobsInUse } from './blobs-in-use.ts';
import { KnownBlobs } from './known-blobs.ts';
import { type BlobSweep, type BlobSweepSummary, sweepBlobs } from './sweep-blobs.ts';

/** Within one tick of the file system's clock a file may change twice and look the same. */
const RACY_MS = 50;

/** Whoever changes a file all the time while it is looked at gets no more looks. */
const LOOKS = 3;

interface BlobsOptions {
  readonly stateFolder: string;
  readonly pool: DigestPool;
  readonly clock: Clock;
  /** Of the file system that the state folder is on. */
  readonly calls: QuickCalls;
  readonly onTrouble: OnBlobTrouble;
}

/** A blob that was right when it was opened. */
export interface OpenBlob extends AsyncDisposable {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
  /** For whoever has read to the end and holds its last bytes back: whether nobody wrote to it meanwhile. */
  isUnchanged(): Promise<boolean>;
}

export interface BlobStats {
  readonly blobs: number;
  /** Of all blobs, those included that are files, too. */
  readonly bytes: number;
  /** Of those that only history had when they were swept last. */
  readonly historyBytes: number;
}

/**
 * The bytes that files had, by their digest. A blob is a second name of the very file, so keeping one costs no room until
 * the file is replaced; and whoever edits that file in place edits the blob. So one that does not look as it did is read
 * whole before it is given out, and removed where it is not what its name says. No trouble here fails a caller: a body is
 * not kept, or not to be had.
 */
export class Blobs {
  readonly #files: BlobFiles;
  readonly #pool: DigestPool;
  readonly #clock: Clock;
  readonly #onTrouble: OnBlobTrouble;
  readonly #inUse = new BlobsInUse();
  readonly #known = new KnownBlobs();
  readonly #checks = new Singleflight<Digest>();
  readonly #sweeps = new Singleflight<BlobSweepSummary>();
  #stats: BlobStats | undefined;

  private constructor({ stateFolder, pool, clock, calls, onTrouble }: BlobsOptions) {
    this.#files = new BlobFiles(stateFolder, clock, calls);
    this.#pool = pool;
    this.#clock = clock;
    this.#onTrouble = onTrouble;
  }

  /** Makes the folders and removes what a process that died was putting there. */
  static async open(options: BlobsOptions): Promise<Blobs> {
    const blobs = new Blobs(options);
    try {
      const leftOver = await blobs.#files.prepare();
      for (let count = 0; count < leftOver; count++) options.onTrouble('left-over');
    } catch (error) {
      options.onTrouble('read-failed', error);
    }
    return blobs;
  }

  /** Counted by the first sweep and kept up since, but for what came or went beside a sweep; `undefined` before. */
  stats(): BlobStats | undefined {
    return this.#stats;
  }

  /**
   * Keeps a file's bytes. From then on it must be replaced, and not written to, by us at least.
   * @param file has these bytes
   * @param isShared others can have written to it since it was digested, as it has a name among the files: when it is opened
   *   first it is digested again
   * @returns whether they are kept; never throws
   */
  async keep(file: string, digest: Digest, sizeBytes: number, { isShared = false } = {}): Promise<boolean> {
    using _ = await this.#inUse.use(digest);
    try {
      const facts = await this.#files.look(file);
      if (!facts.isFile || facts.sizeBytes !== sizeBytes)
        throw new Error('the file is not what was to be kept');
      const { how, isNew } = await this.#files.place(file, digest, sizeBytes);
      const placed = how === 'copied' ? await this.#files.factsOf(digest) : facts;
      if (how !== 'there' && placed && !isShared) this.#known.wasKept(digest, placed);
      if (isNew) this.#count(1, sizeBytes);
      return true;
    } catch (error) {
      this.#onTrouble('not-kept', error);
      return false;
    }
  }

  /** Its owner disposes of it. `undefined`: there is none, or none that is right. Never throws. */
  async open(digest: Digest): Promise<OpenBlob | undefined> {
    const use = await this.#inUse.use(digest);
    let handle: FileHandle | undefined;
    try {
      handle = await this.#files.open(digest);
      const facts = handle && (await this.#check(digest, handle));
      if (handle && facts) {
        const opened = toOpenBlob(handle, facts, use);
        handle = undefined;
        return opened;
      }
    } catch (error) {
      this.#onTrouble('read-failed', error);
    } finally {
      await handle?.close().catch(() => {});
    }
    use[Symbol.dispose]();
    return undefined;
  }

  /**
   * Keeps within the limits. Blobs that are in use are left alone. One sweep at a time: who asks for another meanwhile gets
   * what this one did.
   * @throws the signal's reason
   */
  sweep(sweep: BlobSweep): Promise<BlobSweepSummary> {
    return this.#sweeps.run('', async () => {
      const summary = await sweepBlobs(sweep, {
        files: this.#files,
        remove: ({ digest, facts }) => this.#inUse.unlessUsed(digest, () => this.#remove(digest, facts)),
        onReadFailed: (error) => this.#onTrouble('read-failed', error),
      });
      this.#stats = { blobs: summary.kept, bytes: summary.keptBytes, historyBytes: summary.historyBytes };
      return summary;
    });
  }

  /** What an opened blob looks like that is right; one that is not is removed. */
  async #check(digest: Digest, handle: FileHandle): Promise<BlobFacts | undefined> {
    for (let look = 0; look < LOOKS; look++) {
      const lookedAt = this.#clock.now();
      const facts = toFacts(await handle.stat({ bigint: true }));
      if (facts.isFile && this.#known.isRight(digest, facts)) return facts;
      if (!facts.isFile || (await this.#digest(handle, facts)) !== digest) {
        this.#onTrouble('damaged');
        await this.#remove(digest, facts);
        return undefined;
      }
      const after = toFacts(await handle.stat({ bigint: true }));
      if (after.touchedNs !== facts.touchedNs) continue;
      if (lookedAt - Number(facts.touchedNs / 1_000_000n) > RACY_MS) this.#known.wasFoundRight(digest, facts);
      return facts;
    }
    throw new Error('the blob changes while it is looked at');
  }

  /** Those who open it meanwhile wait for the same. */
  #digest(handle: FileHandle, { inode, touchedNs }: BlobFacts): Promise<Digest> {
    return this.#checks.run(
      `${inode}.${touchedNs}`,
      async () => (await this.#pool.digestFile(handle)).digest,
    );
  }

  /** One that has come in its place since it was looked at stays. */
  async #remove(digest: Digest, { inode, touchedNs, sizeBytes }: BlobFacts): Promise<boolean> {
    try {
      const now = await this.#files.factsOf(digest);
      if (now?.inode !== inode || now.touchedNs !== touchedNs) return false;
      await this.#files.remove(digest);
    } catch (error) {
      this.#onTrouble('remove-failed', error);
      return false;
    }
    this.#known.forget(digest);
    this.#count(-1, -sizeBytes);
    return true;
  }

  #count(blobs: number, bytes: number): void {
    if (!this.#stats) return;
    this.#stats = { ...this.#stats, blobs: this.#stats.blobs + blobs, bytes: this.#stats.bytes + bytes };
  }
}

function toOpenBlob(handle: FileHandle, { sizeBytes, changedNs }: BlobFacts, use: Disposable): OpenBlob {
  return {
    handle,
    sizeBytes,
    async isUnchanged() {
      const now = toFacts(await handle.stat({ bigint: true }));
      return now.sizeBytes === sizeBytes && now.changedNs === changedNs;
    },
    async [Symbol.asyncDispose]() {
      await handle.close();
      use[Symbol.dispose]();
    },
  };
}
