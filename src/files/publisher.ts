import { futimesSync } from 'node:fs';
import { messageOf, VelocityError } from '../base/errors.ts';
import type { Blobs } from './blobs/blobs.ts';
import type { FilePath } from './file-path.ts';
import { type FileState, fileState } from './file-state.ts';
import type { Folder, Found } from './folder.ts';
import type { ReceivedFile } from './incoming.ts';
import type { Journal } from './journal/journal.ts';
import type { EntryDraft, JournalEntry, JournalOp } from './journal/journal-entry.ts';
import type { PathLocks } from './path-locks.ts';

export interface PublisherOptions {
  readonly folder: Folder;
  readonly journal: Journal;
  readonly locks: PathLocks;
  readonly blobs: Blobs;
  /** Larger bodies are remembered by digest and length alone. */
  readonly maxKeptBytes: number;
}

/** What the conditions of a request are held against. */
export type Checked = Pick<FileState, 'etag' | 'found'>;

/** Looks at what is there, under the lock; throws where it is not as the request says it must be. */
export type CheckState<T = Checked> = (state: T | undefined) => void;

export interface PublishOptions {
  /** Where the op is not told by whether there was a file: `create` or `write`. */
  readonly op?: JournalOp | undefined;
  readonly other?: FilePath | undefined;
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
  readonly check?: CheckState<FileState> | undefined;
}

/**
 * Puts files in their place, so that readers see the whole old or the whole new bytes and the journal has both. The entry is
 * written before the file is in its place, and names the temporary file: what a crash leaves between the two is finished at the
 * next start (`finishWrites`).
 */
export class Publisher {
  readonly #options: PublisherOptions;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** @throws VelocityError `PATH_BUSY`, `PATH_CONFLICT`, `JOURNAL_UNAVAILABLE`, `STORAGE_*`, and what `check` throws */
  async publish(
    path: FilePath,
    { file, name, descriptor, content }: ReceivedFile,
    { op, other, by, reason, check }: PublishOptions,
  ): Promise<JournalEntry> {
    const { folder, journal, locks } = this.#options;
    using _lock = await locks.take([{ path, kind: 'file' }]);
    const { found, isFolderThere } = await folder.lookAround(path);
    const state = await this.#stateAs(path, found);
    check?.(state);
    if (!isFolderThere) await folder.makeParents(path);
    const entry = await journal.append({
      op: op ?? (state ? 'write' : 'create'),
      ...{ path, before: state?.content, after: content, temp: name, other, by, reason },
    });
    await this.orGap(path, entry, async () => {
      // Its time says that it is this entry's file; it counts as used now.
      futimesSync(descriptor, entry.ts / 1000, entry.ts / 1000);
      await this.keep(file, content);
      await folder.place(file, path, state?.found.sizeBytes);
    });
    return entry;
  }

  /** Does what was written down; where that fails it says so. */
  async orGap(path: FilePath, { seq }: JournalEntry, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // What the next start finds of it is finished then, where this cannot be written either.
      await this.noteGap(path, `revision ${seq} was not made: ${messageOf(error)}`).catch(() => {});
      throw error;
    }
  }

  /**
   * What a path is now, for whoever holds its lock: what was changed by somebody else is noted.
   * @throws VelocityError `PATH_CONFLICT`: a folder
   */
  async stateOf(path: FilePath): Promise<FileState | undefined> {
    return this.#stateAs(path, await this.#options.folder.look(path));
  }

  async #stateAs(path: FilePath, found: Found | undefined): Promise<FileState | undefined> {
    const { journal } = this.#options;
    if (found?.kind === 'folder')
      throw new VelocityError('PATH_CONFLICT', `${path} is a folder.`, { field: 'path' });
    const head = journal.head(path);
    if (!found) {
      if (head?.after) await this.noteGap(path, 'the file was removed by somebody else');
      return undefined;
    }
    const state = fileState(journal, path, found, head);
    const isOurs = state.entry !== undefined && state.entry.id === head?.id;
    if (!isOurs && head?.op !== 'gap') await this.noteGap(path, 'the file was changed by somebody else');
    return state;
  }

  /** Keeps the bytes of a revision for when its file has others. */
  async keep(file: string, content: NonNullable<EntryDraft['after']>): Promise<void> {
    const { blobs, maxKeptBytes } = this.#options;
    if (content.sizeBytes <= maxKeptBytes) await blobs.keep(file, content.sha256, content.sizeBytes);
  }

  async noteGap(path: FilePath, reason: string): Promise<void> {
    await this.#options.journal.append({ op: 'gap', path, reason });
  }
}
