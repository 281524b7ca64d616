import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Digest } from '../base/digest.ts';
import { VelocityError } from '../base/errors.ts';
import type { DigestPool } from '../base/file-digest/digest-pool.ts';
import { closeFile } from '../storage/drivers/local/descriptor.ts';
import { toFailure } from '../storage/drivers/local/local-failure.ts';
import { childOf, type FilePath, isWithin, ROOT } from './file-path.ts';
import { type FileReader, notToBeHad } from './file-reader.ts';
import type { FileState } from './file-state.ts';
import type { Folder, Found, FoundNamed } from './folder.ts';
import { digestOpen, Incoming, type ReceivedFile, type ReceiveOptions } from './incoming.ts';
import type { Journal } from './journal/journal.ts';
import type { Content, EntryDraft, JournalEntry } from './journal/journal-entry.ts';
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

/** Entries are written down in pieces, so that a folder of a million files takes no memory. */
const ENTRIES_AT_ONCE = 500;

/**
 * A folder of ordinary files, of which nothing is changed without a line in its journal. Changes of one path come one after
 * the other; those of a whole folder wait for what goes on below it, and keep new ones waiting.
 */
export class Files {
  readonly reader: FileReader;
  readonly journal: Journal;
  readonly folder: Folder;
  readonly #locks: PathLocks;
  readonly #digests: DigestPool;
  readonly #incoming: Incoming;
  readonly #publisher: Publisher;

  constructor(options: FilesOptions) {
    const { folder, journal, locks, digests, reader } = options;
    [this.folder, this.journal, this.reader] = [folder, journal, reader];
    [this.#locks, this.#digests] = [locks, digests];
    this.#incoming = new Incoming(folder, digests);
    this.#publisher = new Publisher(options);
  }

  /** What a path is now; `undefined`: nothing. A folder has no state of its own. */
  async stateOf(path: FilePath): Promise<FileState | 'folder' | undefined> {
    const found = await this.folder.look(path);
    return found?.kind === 'folder' ? 'folder' : this.#publisher.stateOf(path);
  }

  isRead(path: FilePath): boolean {
    return this.reader.isRead(path);
  }

  list(path: FilePath): AsyncIterable<FoundNamed> {
    return this.folder.list(path);
  }

  /** The SHA-256 of a file as it is; those that somebody else wrote are read for it. `undefined`: there is no file. */
  async digestOf(path: FilePath): Promise<Digest | undefined> {
    return (await this.#measure(path))?.sha256;
  }

  /** Writes a file, in place of the one that is there. */
  async put(path: FilePath, body: Readable, options: ChangeOptions & ReceiveOptions): Promise<JournalEntry> {
    this.#assertFile(path);
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
    options: ChangeOptions,
  ): Promise<JournalEntry> {
    const state = await this.#fileAt(path);
    options.check?.(state);
    const { sizeBytes } = state.found;
    const first = place === 'append' ? sizeBytes : place.first;
    if (first > sizeBytes)
      throw new VelocityError(
        'RANGE_UNSATISFIABLE',
        `The file has ${sizeBytes} bytes; a patch begins within it or at its end.`,
      );
    const length = place === 'append' || place.last === undefined ? undefined : place.last + 1 - first;
    const patched = await this.#incoming.receivePatch(this.folder.pathOf(path), body, { first, length });
    return this.#publish(path, patched, {
      ...options,
      op: place === 'append' ? 'append' : 'patch',
      check: (now) => {
        if (now?.etag === state.etag) return;
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
    const received = await this.#incoming.receive(past.stream());
    if (received.content.sha256 !== sha256) {
      await this.#incoming.letGo(received, false);
      throw new VelocityError('NOT_RETAINED', `The bytes of revision ${revision} are not what they were.`);
    }
    return this.#publish(path, received, { ...options, op: 'restore', reason: `revision ${revision}` });
  }

  /** Removes a file, or a folder with all that is in it. Whether there was anything. */
  async remove(path: FilePath, { by, check }: ChangeOptions): Promise<boolean> {
    this.#assertFile(path);
    const found = await this.folder.look(path);
    if (!found) return false;
    if (found.kind === 'folder') {
      using _lock = await this.#locks.take([{ path, kind: 'tree' }]);
      await this.#removeFolder(path, by);
      return true;
    }
    using _lock = await this.#locks.take([{ path, kind: 'file' }]);
    const state = await this.#publisher.stateOf(path);
    if (!state) return false;
    check?.(state);
    await this.journal.append({ op: 'delete', path, before: state.content, by });
    await this.folder.remove(path);
    return true;
  }

  /** Removes a file that is still as it was seen. What is being written is left alone. Whether it went. */
  async removeUnused(path: FilePath, isAsSeen: (found: Found) => boolean): Promise<boolean> {
    using lock = this.#locks.takeAtOnce([{ path, kind: 'file' }]);
    if (!lock) return false;
    const state = await this.#publisher.stateOf(path);
    if (!state || !isAsSeen(state.found) || this.isRead(path)) return false;
    await this.journal.append({ op: 'prune', path, before: state.content });
    await this.folder.remove(path);
    return true;
  }

  /** Moves a file or a folder. @throws VelocityError `NOT_FOUND`, `PATH_CONFLICT` */
  async move(path: FilePath, target: FilePath, { by, check, overwrite }: TargetOptions): Promise<void> {
    this.#assertFile(path);
    this.#assertTarget(path, target);
    const found = await this.folder.look(path);
    const kind = found?.kind === 'folder' ? 'tree' : 'file';
    using _lock = await this.#locks.take([
      { path, kind },
      { path: target, kind },
    ]);
    const there = await this.folder.look(target);
    if (there && (!overwrite || kind === 'tree' || there.kind === 'folder')) throw isTaken(target);
    await this.folder.makeParents(target);
    if (kind === 'tree') return this.#moveFolder(path, target, by);

    const state = await this.#fileAt(path);
    check?.(state);
    const before = (await this.#publisher.stateOf(target))?.content;
    const content = state.content ?? (await this.#measure(path));
    const [, to] = await this.journal.appendAll([
      { op: 'moved_from', path, before: content, other: target, by },
      { op: 'moved_to', path: target, before, after: content, other: path, by },
    ]);
    await this.#placeMoved(path, target, to as JournalEntry);
  }

  /** Copies a file, or a folder file by file. @throws VelocityError `NOT_FOUND`, `PATH_CONFLICT` */
  async copy(path: FilePath, target: FilePath, options: TargetOptions): Promise<void> {
    this.#assertTarget(path, target);
    const found = await this.folder.look(path);
    if (found?.kind !== 'folder') {
      await this.#copyFile(path, target, options);
      return;
    }
    if (await this.folder.look(target)) throw isTaken(target);
    await this.makeFolder(target, options);
    for await (const each of this.folder.walk(path)) {
      const to = childOf(target, path === ROOT ? each.path : each.path.slice(path.length + 1));
      if (each.found.kind === 'folder') await this.makeFolder(to, options);
      else if (each.found.kind === 'file') await this.#copyFile(each.path, to, options);
    }
  }

  /** Whether it was not there. */
  async makeFolder(path: FilePath, { by }: ChangeOptions): Promise<boolean> {
    this.#assertFile(path);
    using _lock = await this.#locks.take([{ path, kind: 'file' }]);
    if ((await this.folder.look(path))?.kind === 'folder') return false;
    if (!(await this.folder.makeFolder(path))) return false;
    await this.journal.append({ op: 'mkdir', path, by });
    return true;
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

  async #copyFile(path: FilePath, target: FilePath, { by, check, overwrite }: TargetOptions): Promise<void> {
    const state = await this.#fileAt(path);
    check?.(state);
    const copied = await this.#incoming.receiveCopy(this.folder.pathOf(path));
    await this.#publish(target, copied, {
      ...{ op: 'copied_to', other: path, by },
      check: (there) => {
        if (there && !overwrite) throw isTaken(target);
      },
    });
  }

  /** Written down file by file, then gone in one step. */
  async #removeFolder(path: FilePath, by: string | undefined): Promise<void> {
    await this.#eachFile(path, async (state) => [
      { op: 'delete', path: state.path, before: state.content, by },
    ]);
    await this.journal.append({ op: 'dir_deleted', path, by });
    await rm(await this.folder.takeAway(path), { recursive: true, force: true }).catch((error: unknown) => {
      throw toFailure(`remove ${path}`, error);
    });
  }

  async #moveFolder(path: FilePath, target: FilePath, by: string | undefined): Promise<void> {
    await this.journal.appendAll([
      { op: 'dir_moved_from', path, other: target, by },
      { op: 'dir_moved_to', path: target, other: path, by },
    ]);
    await this.folder.place(this.folder.pathOf(path), target);
    // Now each file has another name; its entry gives it its time.
    await this.#eachFile(target, async (state) => {
      const from = childOf(path, state.path.slice(target.length + 1));
      const content = this.#knownContent(from, state) ?? (await this.#measure(state.path));
      return [
        { op: 'moved_from', path: from, before: content, other: state.path, by },
        { op: 'moved_to', path: state.path, after: content, other: from, by },
      ];
    });
  }

  /** Of a file that has been moved from where the journal knows it. */
  #knownContent(from: FilePath, { found }: FileState): Content | undefined {
    const head = this.journal.head(from);
    return head?.after?.sizeBytes === found.sizeBytes && head.ts === found.modifiedAt
      ? head.after
      : undefined;
  }

  /** Writes down what `draft` says of each file below a folder, some hundred at once; files that moved get their entry's time. */
  async #eachFile(
    folder: FilePath,
    draft: (state: FileState) => Promise<readonly EntryDraft[]>,
  ): Promise<void> {
    let drafts: EntryDraft[] = [];
    const write = async (): Promise<void> => {
      for (const { op, path, ts } of await this.journal.appendAll(drafts))
        if (op === 'moved_to') await this.folder.setTimes(path, ts, ts);
      drafts = [];
    };
    for await (const { path, found } of this.folder.walk(folder)) {
      if (found.kind !== 'file') continue;
      const state = this.#publisher.seen(path, found);
      drafts.push(...(await draft(state)));
      if (drafts.length >= ENTRIES_AT_ONCE) await write();
    }
    if (drafts.length > 0) await write();
  }

  async #placeMoved(path: FilePath, target: FilePath, { ts }: JournalEntry): Promise<void> {
    await this.folder.setTimes(path, ts, ts);
    await this.folder.place(this.folder.pathOf(path), target);
  }

  async #fileAt(path: FilePath): Promise<FileState> {
    const state = await this.#publisher.stateOf(path);
    if (state?.found.kind !== 'file') throw new VelocityError('NOT_FOUND', `There is no file ${path}.`);
    return state;
  }

  async #measure(path: FilePath): Promise<Content | undefined> {
    const opened = await this.folder.open(path);
    if (opened === undefined || opened === 'folder') return undefined;
    try {
      return await digestOpen(this.#digests, opened.descriptor);
    } finally {
      closeFile(opened.descriptor);
    }
  }

  #assertFile(path: FilePath): void {
    if (path === ROOT)
      throw new VelocityError('PATH_CONFLICT', 'The root is a folder, and stays where it is.', {
        field: 'path',
      });
  }

  #assertTarget(path: FilePath, target: FilePath): void {
    this.#assertFile(target);
    if (isWithin(target, path))
      throw new VelocityError('PATH_CONFLICT', `${target} is ${path} itself, or lies in it.`, {
        field: 'path',
      });
  }
}

function isTaken(target: FilePath): VelocityError {
  return new VelocityError(
    'PATH_CONFLICT',
    `There is something at ${target} already; ?overwrite replaces a file.`,
    { field: 'path' },
  );
}
