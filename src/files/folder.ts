import { execFile } from 'node:child_process';
import { constants, type Dirent, lstatSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { access, copyFile, lstat, lutimes, opendir, readlink, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Clock } from '../base/clock.ts';
import { systemCode, VelocityError } from '../base/errors.ts';
import { closeFile, type Descriptor, statFile } from '../storage/drivers/local/descriptor.ts';
import { isOnLocalDisk } from '../storage/drivers/local/local-disk.ts';
import { toFailure } from '../storage/drivers/local/local-failure.ts';
import { makeFolder } from '../storage/drivers/local/make-folder.ts';
import { QuickCalls } from '../storage/drivers/local/quick-calls.ts';
import { TempFiles } from '../storage/drivers/local/temp-files.ts';
import { childOf, type FilePath, parentOf, ROOT, STATE_FOLDER } from './file-path.ts';

/** What lies at a path, a link for itself. */
export interface Found {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly sizeBytes: number;
  /** Milliseconds since the epoch, whole. */
  readonly modifiedAt: number;
  readonly usedAt: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface FoundNamed extends Found {
  readonly name: string;
}

/** What lies at a path, and whether the folder is there that it lies in. */
export interface Surroundings {
  readonly found: Found | undefined;
  readonly isFolderThere: boolean;
}

const NOTHING_AROUND: Surroundings = { found: undefined, isFolderThere: false };

export interface OpenFile extends Found {
  readonly descriptor: Descriptor;
}

const run = promisify(execFile);

/** Some hundred microseconds. */
const QUICK_REPLACED_BYTES = 1024 * 1024;

/** Nothing but ordinary files is ever opened; a pipe would wait for its other end. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * The folder on the disk, in which ordinary files lie under their own names. Nothing outside of it is read or written,
 * whatever links lie in it: a link is read where it leads to something inside, and no folder is written through one.
 */
export class Folder {
  /** As the system spells it, without links. */
  readonly root: string;
  /** Where the server keeps what is not the files themselves; on the same file system, as links and renames need. */
  readonly state: string;
  readonly temp: TempFiles;
  readonly calls: QuickCalls;

  private constructor(root: string, clock: Clock, isLocal: boolean) {
    this.root = root;
    this.state = join(root, STATE_FOLDER);
    this.temp = new TempFiles(join(this.state, 'tmp'), clock);
    this.calls = new QuickCalls(clock, !isLocal);
  }

  /**
   * Makes the folder where there is none.
   * @throws VelocityError `STORAGE_UNAVAILABLE` where it cannot be made or written
   */
  static async open(root: string, clock: Clock): Promise<Folder> {
    return translated(`open the folder ${root}`, ROOT, async () => {
      await makeFolder(root);
      const real = await realpath(root);
      const folder = new Folder(real, clock, await isOnLocalDisk(real));
      await makeFolder(folder.temp.folder);
      await access(folder.temp.folder, constants.W_OK);
      return folder;
    });
  }

  pathOf(path: FilePath): string {
    return path === ROOT ? this.root : `${this.root}/${path}`;
  }

  /** Looks at a path, follows no link at its end. */
  async look(path: FilePath): Promise<Found | undefined> {
    return (await this.lookAround(path)).found;
  }

  /** Likewise, and says whether the folder that the path lies in is there, without a link on the way. */
  async lookAround(path: FilePath): Promise<Surroundings> {
    const at = this.pathOf(path);
    const folder = path === ROOT ? at : dirname(at);
    try {
      // The two together, for each write needs both.
      return await this.calls.run(
        () => {
          if (!this.#isItself(folder, realpathSync.native(folder))) return NOTHING_AROUND;
          // That there is nothing is said by nearly every first write; an error would cost more than the call.
          return aroundOf(lstatSync(at, { throwIfNoEntry: false }));
        },
        async () => {
          if (!this.#isItself(folder, await realpath(folder))) return NOTHING_AROUND;
          return aroundOf(await orNothing(() => lstat(at)));
        },
      );
    } catch (error) {
      if (isNothing(error)) return NOTHING_AROUND;
      throw translation(`look at ${path}`, path, error);
    }
  }

  /** For reading; `undefined`: there is nothing, or nothing that may be read. Whoever gets a file closes it. */
  async open(path: FilePath): Promise<OpenFile | 'folder' | undefined> {
    return translated(`read ${path}`, path, async () => {
      const descriptor = await this.#openDescriptor(path);
      if (descriptor === undefined) return undefined;
      try {
        const stats = statFile(descriptor);
        const found = foundOf(stats);
        const isOurs = await this.#leadsInside(descriptor, path);
        if (isOurs && found.kind === 'file') return { ...found, descriptor };
        closeFile(descriptor);
        return isOurs && found.kind === 'folder' ? 'folder' : undefined;
      } catch (error) {
        closeFile(descriptor);
        throw error;
      }
    });
  }

  /** What lies in a folder, as the disk has it; the server's own state is left out. */
  async *list(path: FilePath): AsyncIterable<FoundNamed> {
    const folder = await this.#realPath(this.pathOf(path));
    if (folder === undefined || !this.#contains(folder)) return;
    const entries = await opendir(folder).catch((error: unknown) => {
      if (isNothing(error)) return undefined;
      throw toFailure(`list ${path}`, error);
    });
    for await (const entry of entries ?? ([] as Dirent[])) {
      if (folder === this.root && entry.name === STATE_FOLDER) continue;
      const stats = await this.#lstat(join(folder, entry.name));
      if (stats) yield { ...foundOf(stats), name: entry.name };
    }
  }

  /** Every file below a folder, folders before what lies in them; links are none. */
  async *walk(path: FilePath): AsyncIterable<{ readonly path: FilePath; readonly found: Found }> {
    const folders: FilePath[] = [];
    for await (const { name, ...found } of this.list(path)) {
      const child = childOf(path, name);
      yield { path: child, found };
      if (found.kind === 'folder') folders.push(child);
    }
    for (const folder of folders) yield* this.walk(folder);
  }

  /**
   * Makes the folders that a path lies in.
   * @throws VelocityError `PATH_CONFLICT` where one of them is a file, or a link
   */
  async makeParents(path: FilePath): Promise<void> {
    if (!(await this.lookAround(path)).isFolderThere) await this.makeFolder(parentOf(path));
  }

  /** Likewise the folder itself. Whether it was not there. */
  async makeFolder(path: FilePath): Promise<boolean> {
    const made = await translated(`make the folder ${path}`, path, async () => {
      for (let above = path; above !== ROOT; above = parentOf(above)) {
        const found = await this.#lstat(this.pathOf(above));
        if (!found) continue;
        if (!found.isDirectory() || !(await this.#isInside(this.pathOf(above)))) throw conflict(above);
        if (above === path) return false;
        break;
      }
      await makeFolder(this.pathOf(path));
      return true;
    });
    if (!(await this.#isInside(this.pathOf(path)))) throw conflict(path);
    return made;
  }

  /**
   * Puts a file, or a folder, in its place, whatever file was there.
   * @param replacedBytes of that file: the system takes some time to let go of a large one
   * @throws VelocityError `PATH_CONFLICT` where a folder is there, or a file is where its folder was
   */
  async place(from: string, path: FilePath, replacedBytes = 0): Promise<void> {
    const move = (): Promise<void> =>
      replacedBytes > QUICK_REPLACED_BYTES
        ? rename(from, this.pathOf(path))
        : this.calls.rename(from, this.pathOf(path));
    await translated(`write ${path}`, path, async () => {
      try {
        await move();
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') throw error;
        // Programs that clear a folder up take away folders that are empty.
        await this.makeParents(path);
        await move();
      }
    });
  }

  /** Takes a folder out of sight in one step; whoever asked discards what is there then. */
  async takeAway(path: FilePath): Promise<string> {
    const away = this.temp.next();
    await translated(`remove ${path}`, path, () => rename(this.pathOf(path), away));
    return away;
  }

  /** What cannot be removed now is removed by the next start. */
  async discard(away: string): Promise<void> {
    await rm(away, { recursive: true, force: true }).catch(() => {});
  }

  /** Copies the bytes that were opened, whatever is at their path by now. Costs nothing where the file system can share them. */
  async copyTo(file: string, opened: OpenFile, path: FilePath): Promise<void> {
    const from = process.platform === 'linux' ? linkOf(opened.descriptor) : this.pathOf(path);
    await translated(`copy ${path}`, path, () => copyFile(from, file, constants.COPYFILE_FICLONE));
  }

  /** What a link leads to, inside; `undefined`: it leads nowhere, or out. */
  async targetOf(path: FilePath): Promise<FilePath | undefined> {
    const real = await this.#realPath(this.pathOf(path));
    return real !== undefined && this.#contains(real)
      ? (real.slice(this.root.length + 1) as FilePath)
      : undefined;
  }

  async remove(path: FilePath): Promise<void> {
    await translated(`remove ${path}`, path, () => this.calls.unlink(this.pathOf(path)));
  }

  /** Milliseconds since the epoch. */
  async setTimes(path: FilePath, usedAt: number, modifiedAt: number): Promise<void> {
    await translated(`touch ${path}`, path, () =>
      lutimes(this.pathOf(path), usedAt / 1000, modifiedAt / 1000),
    );
  }

  async #openDescriptor(path: FilePath): Promise<Descriptor | undefined> {
    try {
      return await this.calls.open(this.pathOf(path), OPEN_FLAGS);
    } catch (error) {
      if (isNothing(error)) return undefined;
      throw error;
    }
  }

  /**
   * Resolves once all that was written before is on the disk for good.
   * @throws Error where the system says it is not
   */
  async sync(): Promise<void> {
    // syncfs(2), which Node does not reach: to remember which files are not on the disk yet would cost every write.
    const args = process.platform === 'linux' ? ['-f', this.root] : [];
    await run('sync', args);
  }

  #lstat(path: string): Promise<Stats | undefined> {
    const now = (): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });
    return orNothing(async () => this.calls.run(now, () => lstat(path)));
  }

  /** Where an open file really is, links on the way or not. */
  async #leadsInside(descriptor: Descriptor, path: FilePath): Promise<boolean> {
    const link = linkOf(descriptor);
    const real =
      process.platform === 'linux'
        ? await this.calls.run(
            () => readlinkSync(link),
            () => readlink(link),
          )
        : await realpath(this.pathOf(path));
    return this.#contains(real);
  }

  /** Whether a folder is there, and is what its path says: no link on the way. */
  async #isInside(folder: string): Promise<boolean> {
    return this.#isItself(folder, await this.#realPath(folder));
  }

  #isItself(folder: string, real: string | undefined): boolean {
    return real === folder && this.#contains(real);
  }

  /** Without links; `undefined`: nothing is there. */
  #realPath(path: string): Promise<string | undefined> {
    return orNothing(async () =>
      this.calls.run(
        () => realpathSync.native(path),
        () => realpath(path),
      ),
    );
  }

  #contains(real: string): boolean {
    if (real === this.root) return true;
    return real.startsWith(`${this.root}/`) && real !== this.state && !real.startsWith(`${this.state}/`);
  }
}

/** Of a folder that is there. */
function aroundOf(stats: Stats | undefined): Surroundings {
  return { found: stats && foundOf(stats), isFolderThere: true };
}

function foundOf(stats: Stats): Found {
  return {
    kind: stats.isFile()
      ? 'file'
      : stats.isDirectory()
        ? 'folder'
        : stats.isSymbolicLink()
          ? 'link'
          : 'other',
    sizeBytes: stats.size,
    modifiedAt: Math.round(stats.mtimeMs),
    usedAt: Math.round(stats.atimeMs),
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
  };
}

/** Where the system says what a descriptor is. */
function linkOf(descriptor: Descriptor): string {
  return `/proc/self/fd/${descriptor}`;
}

/** What is not there, what lies below a file, a link that leads in a circle, and a socket, are nothing. */
function isNothing(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(systemCode(error) ?? '');
}

async function orNothing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isNothing(error)) return undefined;
    throw error;
  }
}

function conflict(path: FilePath): VelocityError {
  return new VelocityError('PATH_CONFLICT', `${path} is no folder.`, { field: 'path' });
}

/** What systems say where a file is meant to be and a folder is, or the other way round. */
const IN_THE_WAY: ReadonlySet<unknown> = new Set(['EEXIST', 'EISDIR', 'ENOTDIR', 'ENOTEMPTY']);

async function translated<T>(doing: string, path: FilePath, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw translation(doing, path, error);
  }
}

function translation(doing: string, path: FilePath, error: unknown): unknown {
  if (path === ROOT || !IN_THE_WAY.has(systemCode(error))) return toFailure(doing, error);
  return new VelocityError('PATH_CONFLICT', `Could not ${doing}: a file or folder is in the way.`, {
    ...{ cause: error, field: 'path' },
  });
}
