import type { Readable } from 'node:stream';
import type { Digest } from '../base/digest.ts';
import { VelocityError } from '../base/errors.ts';
import type { DigestPool } from '../base/file-digest/digest-pool.ts';
import { closeFile } from '../storage/drivers/local/descriptor.ts';
import { childOf, type FilePath, isWithin, ROOT } from './file-path.ts';
import { type FileReader, notToBeHad } from './file-reader.ts';
import { type FileState, fileState } from './file-state.ts';
import type { Folder, Found, FoundNamed, OpenFile } from './folder.ts';
import { FolderChanges } from './folder-changes.ts';
import { Incoming, type ReceivedFile, type ReceiveOptions } from './incoming.ts';
import type { Journal } from './journal/journal.ts';
import type { JournalEntry } from './journal/journal-entry.ts';
import type { PathLocks } from './path-locks.ts';
import { type CheckState, Publisher, type PublisherOptions, type PublishOptions } from './publisher.ts';

export interface FilesOptions extends PublisherOptions {
  readonly reader: FileReader;
  readonly digests: DigestPool;
}

/** Who asks for a change, and under which condition. */
export interface ChangeOptions {
  /** The id of a token. */
  readonly by?: string | undefined;
  readonly check?: CheckState | undefined;
}

export interface TargetOptions extends ChangeOptions {
  /** A file that is at the target goes; without it that is `PATH_CONFLICT`. */
  readonly overwrite: boolean;
}

/** Where the bytes of a patch go. */
export type PatchPlace = 'append' | { readonly first: number; readonly last: number | undefined };

/** What is there, and nobody else changes it. */
interface Held extends Disposable {
  readonly found: Found | undefined;
}

/** Folders have no bytes to tell them by; of two conditions only "there is something" can hold. */
const FOLDER_TAG = 'folder';

/**
 * A folder of ordinary files, of which nothing is changed without a line in its journal. Changes of one path come one after
 * the other; those of a whole folder wait for what goes on below it, and keep new ones waiting.
 */
export class Files {
  readonly reader: FileReader;
  readonly journal: Journal;
  readonly folder: Folder;
  readonly #locks: PathLocks;
  readonly #incoming: Incoming;
  readonly #publisher: Publisher;
  readonly #folderChanges: FolderChanges;

  constructor(options: FilesOptions) {
    const { folder, journal, locks, digests, reader } = options;
    [this.folder, this.journal, this.reader] = [folder, journal, reader];
    this.#locks = locks;
    this.#incoming = new Incoming(folder, digests);
    this.#publisher = new Publisher(options);
    this.#folderChanges = new FolderChanges(folder, journal, this.#incoming);
  }

  /** What a path is now; `undefined`: nothing. A folder has no state of its own. */
  async stateOf(path: FilePath): Promise<FileState | 'folder' | undefined> {
    const found = await this.folder.look(path);
    return found?.kind === 'folder' ? 'folder' : found && fileState(this.journal, path, found);
  }

  /**
   * Resolves once all that was done before is on the disk for good: files, and what the journal says of them.
   * @throws VelocityError `JOURNAL_UNAVAILABLE`
   */
  async flush(): Promise<void> {
    await this.journal.flush();
    await this.folder.sync().catch((error: unknown) => {
      throw new VelocityError('JOURNAL_UNAVAILABLE', 'What was written cannot be brought to the disk.', {
        cause: error,
      });
    });
  }

  isRead(path: FilePath): boolean {
    return this.reader.isRead(path);
  }

  list(path: FilePath): AsyncIterable<FoundNamed> {
    return this.folder.list(path);
  }

  /** The SHA-256 of a file as it is; those that somebody else wrote are read for it. `undefined`: there is no file. */
  async digestOf(path: FilePath): Promise<Digest | undefined> {
    return (await this.#incoming.measure(path))?.sha256;
  }

  /** Writes a file, in place of the one that is there. */
  async put(path: FilePath, body: Readable, options: ChangeOptions & ReceiveOptions): Promise<JournalEntry> {
    assertBelowRoot(path);
    const received = await this.#incoming.receive(body, options);
    return this.#publish(path, received, options);
  }

  /**
   * Writes a body at the end of a file or over a part of it. Who reads the file meanwhile has the whole old one.
   * @throws VelocityError `NOT_FOUND`, `RANGE_UNSATISFIABLE`, `PATH_BUSY` where the file was changed meanwhile
   */
  async patch(
    path: FilePath,
    body: Readable,
    place: PatchPlace,
    { by, check }: ChangeOptions,
  ): Promise<JournalEntry> {
    const { state, received } = await this.#copied(path, check, (opened) => {
      const { sizeBytes } = opened;
      const first = place === 'append' ? sizeBytes : place.first;
      if (first > sizeBytes)
        throw new VelocityError(
          'RANGE_UNSATISFIABLE',
          `The file has ${sizeBytes} bytes; a patch begins within it or at its end.`,
        );
      const length = place === 'append' || place.last === undefined ? undefined : place.last + 1 - first;
      return this.#incoming.receivePatch(opened, path, body, { first, length });
    });
    return this.#publish(path, received, {
      ...{ op: place === 'append' ? 'append' : 'patch', by },
      check: (now) => {
        if (now?.etag === state.etag && now.entry?.id === state.entry?.id) return;
        throw new VelocityError(
          'PATH_BUSY',
          'The file was changed while this came; nothing of it was written. Try again.',
        );
      },
    });
  }

  /** Puts the bytes of a revision in place of what is there. */
  async restore(path: FilePath, revision: number, options: ChangeOptions): Promise<JournalEntry> {
    const past = await this.reader.openPast(path, { seq: revision });
    if ('kind' in past) throw notToBeHad(past);
    const { sha256 } = past.facts;
    const bytes = past.stream();
    const received = await this.#incoming.receive(bytes).finally(() => bytes.destroy());
    if (received.content.sha256 !== sha256) {
      await this.#incoming.letGo(received, false);
      throw new VelocityError('NOT_RETAINED', `The bytes of revision ${revision} are not what they were.`);
    }
    return this.#publish(path, received, { ...options, op: 'restore', reason: `revision ${revision}` });
  }

  /** Removes a file, or a folder with all that is in it. Whether there was anything. */
  async remove(path: FilePath, { by, check }: ChangeOptions): Promise<boolean> {
    assertBelowRoot(path);
    let away: string | undefined;
    {
      using held = await this.#hold(path);
      if (held.found?.kind === 'folder') {
        checkFolder(held.found, check);
        away = await this.#folderChanges.takeAway(path, by);
      } else {
        const state = await this.#publisher.stateOf(path);
        check?.(state);
        if (!state) return false;
        await this.#removeHeld(state, 'delete', by);
      }
    }
    if (away !== undefined) await this.folder.discard(away);
    return true;
  }

  /** Removes a file that is still as it was seen. What is being written is left alone. Whether it went. */
  async removeUnused(path: FilePath, isAsSeen: (found: Found) => boolean): Promise<boolean> {
    using lock = this.#locks.takeAtOnce([{ path, kind: 'file' }]);
    if (!lock) return false;
    const state = await this.#publisher.stateOf(path);
    if (!state || !isAsSeen(state.found) || this.isRead(path)) return false;
    await this.#removeHeld(state, 'prune');
    return true;
  }

  /**
   * Moves a file or a folder.
   * @returns the entry that made the file what it is at the target; `undefined`: it was a folder
   * @throws VelocityError `NOT_FOUND`, `PATH_CONFLICT`
   */
  async move(
    path: FilePath,
    target: FilePath,
    { by, check, overwrite }: TargetOptions,
  ): Promise<JournalEntry | undefined> {
    assertBelowRoot(path);
    assertTarget(path, target);
    using held = await this.#hold(path, target);
    const { found } = held;
    if (found?.kind !== 'folder') return await this.#moveHeld(path, target, { by, check, overwrite });
    checkFolder(found, check);
    if (await this.folder.look(target)) throw isTaken(target);
    await this.folder.makeParents(target);
    await this.#folderChanges.move(path, target, by);
    return undefined;
  }

  /** Copies a file, or a folder file by file. Answers and throws as `move` does. */
  async copy(path: FilePath, target: FilePath, options: TargetOptions): Promise<JournalEntry | undefined> {
    assertTarget(path, target);
    const found = await this.folder.look(path);
    if (found?.kind !== 'folder') return this.#copyFile(path, target, options);
    const { by, check, overwrite } = options;
    checkFolder(found, check);
    if (await this.folder.look(target)) throw isTaken(target);
    await this.makeFolder(target, { by });
    for await (const each of this.folder.walk(path)) {
      const to = childOf(target, each.path.slice(path.length + 1));
      if (each.found.kind === 'folder') await this.makeFolder(to, { by });
      else if (each.found.kind === 'file')
        await this.#copyFile(each.path, to, { by, overwrite }).catch(unlessGone);
    }
    return undefined;
  }

  /** Whether it was not there. */
  async makeFolder(path: FilePath, { by, check }: ChangeOptions): Promise<boolean> {
    assertBelowRoot(path);
    using _lock = await this.#locks.take([{ path, kind: 'file' }]);
    const found = await this.folder.look(path);
    checkFolder(found, check);
    if (found?.kind === 'folder') return false;
    if (!(await this.folder.makeFolder(path))) return false;
    await this.journal.append({ op: 'mkdir', path, by });
    return true;
  }

  /** A folder is held with all that lies in it; so it is looked at, and looked at again once it is held. */
  async #hold(path: FilePath, ...others: readonly FilePath[]): Promise<Held> {
    for (;;) {
      const isFolder = (await this.folder.look(path))?.kind === 'folder';
      const kind = isFolder ? 'tree' : 'file';
      const lock = await this.#locks.take([path, ...others].map((each) => ({ path: each, kind })));
      try {
        const found = await this.folder.look(path);
        if ((found?.kind === 'folder') === isFolder)
          return { found, [Symbol.dispose]: () => lock[Symbol.dispose]() };
      } catch (error) {
        lock[Symbol.dispose]();
        throw error;
      }
      lock[Symbol.dispose]();
    }
  }

  async #removeHeld({ path, content }: FileState, op: 'delete' | 'prune', by?: string): Promise<void> {
    const entry = await this.journal.append({ op, path, before: content, by });
    await this.#publisher.orGap(path, entry, () => this.folder.remove(path));
  }

  async #moveHeld(
    path: FilePath,
    target: FilePath,
    { by, check, overwrite }: TargetOptions,
  ): Promise<JournalEntry> {
    const state = await this.#publisher.stateOf(path);
    check?.(state);
    if (state?.found.kind !== 'file') throw noFile(path);
    const there = await this.folder.look(target);
    if (there && (!overwrite || there.kind === 'folder')) throw isTaken(target);
    await this.folder.makeParents(target);
    const before = (await this.#publisher.stateOf(target))?.content;
    const content = state.content ?? (await this.#incoming.measure(path));
    const [from, to] = (await this.journal.appendAll([
      { op: 'moved_from', path, before: content, other: target, by },
      { op: 'moved_to', path: target, before, after: content, other: path, by },
    ])) as [JournalEntry, JournalEntry];
    await this.#publisher.orGap(path, from, () =>
      this.#publisher.orGap(target, to, async () => {
        await this.folder.setTimes(path, to.ts, to.ts);
        await this.folder.place(this.folder.pathOf(path), target);
      }),
    );
    return to;
  }

  async #copyFile(
    path: FilePath,
    target: FilePath,
    { by, check, overwrite }: TargetOptions,
  ): Promise<JournalEntry> {
    const { received } = await this.#copied(path, check, (opened) =>
      this.#incoming.receiveCopy(opened, path),
    );
    return this.#publish(target, received, {
      ...{ op: 'copied_to', other: path, by },
      check: (there) => {
        if (there && !overwrite) throw isTaken(target);
      },
    });
  }

  /** A copy of a file, and what the file was that was copied. */
  async #copied(
    path: FilePath,
    check: CheckState | undefined,
    receive: (opened: OpenFile) => Promise<ReceivedFile>,
  ): Promise<{ readonly state: FileState; readonly received: ReceivedFile }> {
    const isFile = (await this.folder.look(path))?.kind === 'file';
    const opened = isFile ? await this.folder.open(path) : undefined;
    if (opened === undefined || opened === 'folder') {
      check?.(undefined);
      throw noFile(path);
    }
    try {
      const state = fileState(this.journal, path, opened);
      check?.(state);
      return { state, received: await receive(opened) };
    } finally {
      closeFile(opened.descriptor);
    }
  }

  async #publish(path: FilePath, received: ReceivedFile, options: PublishOptions): Promise<JournalEntry> {
    let entry: JournalEntry | undefined;
    try {
      entry = await this.#publisher.publish(path, received, options);
      return entry;
    } finally {
      await this.#incoming.letGo(received, entry !== undefined);
    }
  }
}

function checkFolder(found: Found | undefined, check: CheckState | undefined): void {
  check?.(found && { found, etag: FOLDER_TAG });
}

function assertBelowRoot(path: FilePath): void {
  if (path === ROOT)
    throw new VelocityError('PATH_CONFLICT', 'The root is a folder, and stays where it is.', {
      field: 'path',
    });
}

function assertTarget(path: FilePath, target: FilePath): void {
  assertBelowRoot(target);
  if (isWithin(target, path))
    throw new VelocityError('PATH_CONFLICT', `${target} is ${path} itself, or lies in it.`, {
      field: 'path',
    });
}

function unlessGone(error: unknown): void {
  if (!(error instanceof VelocityError) || error.code !== 'NOT_FOUND') throw error;
}

function noFile(path: FilePath): VelocityError {
  return new VelocityError('NOT_FOUND', `There is no file ${path}.`);
}

function isTaken(target: FilePath): VelocityError {
  return new VelocityError(
    'PATH_CONFLICT',
    `There is something at ${target} already; ?overwrite replaces a file.`,
    { field: 'path' },
  );
}
