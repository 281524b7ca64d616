import { type BigIntStats, constants, lstatSync } from 'node:fs';
import { copyFile, type FileHandle, lstat, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { type Digest, parseDigest } from '../../base/digest.ts';
import { systemCode } from '../../base/errors.ts';
import { makeFolder, withFolder } from '../../storage/drivers/local/make-folder.ts';
import type { QuickCalls } from '../../storage/drivers/local/quick-calls.ts';
import { TempFiles } from '../../storage/drivers/local/temp-files.ts';

/** The format of the folder; a new one gets a new name. */
const BLOBS_FOLDER = 'blobs-v1';

/** What systems say where a file gets no second name: elsewhere, not allowed, not known, too many. */
const CANNOT_LINK: ReadonlySet<unknown> = new Set([
  'EXDEV',
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EMLINK',
]);

/** What the system says of a blob's file. */
export interface BlobFacts {
  readonly isFile: boolean;
  readonly inode: bigint;
  readonly sizeBytes: number;
  /** When its bytes were changed, in nanoseconds; whoever may write it may set it. */
  readonly changedNs: bigint;
  /** When anything of it was changed, its names among it; only the system sets it. */
  readonly touchedNs: bigint;
  /** Names it has, here and among the files. */
  readonly links: number;
}

/** `linked`: the blob is that very file. `there`: one was there, and nobody looked whether it is right. */
export type Placed = { readonly how: 'linked' | 'copied' | 'there'; readonly isNew: boolean };

/**
 * The files of the blobs, each named by the digest of its bytes:
 *
 *     blobs-v1/<first two digits>/<SHA-256>
 *     blobs-v1-tmp/…     what is being put there
 */
export class BlobFiles {
  readonly #folder: string;
  readonly #temp: TempFiles;

  readonly #calls: QuickCalls;

  constructor(stateFolder: string, clock: Clock, calls: QuickCalls) {
    this.#calls = calls;
    this.#folder = join(stateFolder, BLOBS_FOLDER);
    this.#temp = new TempFiles(join(stateFolder, `${BLOBS_FOLDER}-tmp`), clock);
  }

  /** Makes the folders and removes what dead processes were writing; how many files that were. */
  async prepare(): Promise<number> {
    await makeFolder(this.#folder);
    return this.#temp.sweep();
  }

  /**
   * Gives a file's bytes a name here. Where another file has it already, this one takes its place: it is known to be right
   * now, and the other is then no file's twin any more, or was none. Where no names can be given it is copied.
   */
  async place(file: string, digest: Digest, sizeBytes: number): Promise<Placed> {
    const path = this.#pathOf(digest);
    try {
      await withFolder(path, () => this.#calls.link(file, path));
      return { how: 'linked', isNew: true };
    } catch (error) {
      const code = systemCode(error);
      if (code !== 'EEXIST' && !CANNOT_LINK.has(code)) throw error;
    }
    const there = await this.factsOf(digest);
    if (there && there.inode === (await this.look(file)).inode) return { how: 'linked', isNew: false };
    const temp = this.#temp.next();
    try {
      const how = await this.#linkOrCopy(file, temp, there?.isFile === true && there.sizeBytes === sizeBytes);
      if (how === 'there') return { how, isNew: false };
      await withFolder(path, () => this.#calls.rename(temp, path));
      return { how, isNew: there === undefined };
    } finally {
      await rm(temp, { force: true }).catch(() => {}); // else the next start does it
    }
  }

  /** At any file; throws the system's errors. */
  async look(file: string): Promise<BlobFacts> {
    const options = { bigint: true } as const;
    return toFacts(
      await this.#calls.run(
        () => lstatSync(file, options),
        () => lstat(file, options),
      ),
    );
  }

  async factsOf(digest: Digest): Promise<BlobFacts | undefined> {
    return unlessGone(() => this.look(this.#pathOf(digest)));
  }

  /** Neither follows a link nor waits for a pipe's writer. */
  async open(digest: Digest): Promise<FileHandle | undefined> {
    const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
    return unlessGone(() => open(this.#pathOf(digest), flags));
  }

  async remove(digest: Digest): Promise<void> {
    await unlessGone(() => this.#calls.unlink(this.#pathOf(digest)));
  }

  /** The blobs by folders of a few thousand at most where there is a million. @param onFailed a folder could not be read */
  async *list(onFailed: (error: unknown) => void): AsyncIterable<readonly Digest[]> {
    for (let first = 0; first < 256; first++) {
      const prefix = first.toString(16).padStart(2, '0');
      const names = await unlessGone(() => readdir(join(this.#folder, prefix))).catch(onFailed);
      const digests = (names ?? []).map(parseDigest);
      yield digests.filter((digest): digest is Digest => digest?.startsWith(prefix) === true);
    }
  }

  async #linkOrCopy(file: string, temp: string, isThere: boolean): Promise<Placed['how']> {
    try {
      await withFolder(temp, () => this.#calls.link(file, temp));
      return 'linked';
    } catch (error) {
      if (!CANNOT_LINK.has(systemCode(error))) throw error;
    }
    if (isThere) return 'there';
    await copyFile(file, temp, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    return 'copied';
  }

  #pathOf(digest: Digest): string {
    return join(this.#folder, digest.slice(0, 2), digest);
  }
}

export function toFacts(stats: BigIntStats): BlobFacts {
  return {
    isFile: stats.isFile(),
    inode: stats.ino,
    sizeBytes: Number(stats.size),
    changedNs: stats.mtimeNs,
    touchedNs: stats.ctimeNs,
    links: Number(stats.nlink),
  };
}

async function unlessGone<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
