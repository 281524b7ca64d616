import type { Clock } from '../base/clock.ts';
import { DigestPool } from '../base/file-digest/digest-pool.ts';
import { FolderLock } from '../base/folder-lock.ts';
import { Blobs } from './blobs/blobs.ts';
import { FileReader } from './file-reader.ts';
import { Files } from './files.ts';
import { type Finished, finishWrites } from './finish-writes.ts';
import { Folder } from './folder.ts';
import { openFileJournal } from './journal/file-journal.ts';
import { PathLocks } from './path-locks.ts';
import type { FilesSettings } from './settings.ts';

export interface OpenFilesOptions {
  readonly root: string;
  readonly clock: Clock;
  readonly onTrouble: (kind: string, error: unknown) => void;
}

/** A folder with its journal, opened by this process alone. */
export interface OpenedFiles {
  readonly files: Files;
  /** What a stop in the middle of work had left. */
  readonly left: Finished;
  /** `undefined`: they were not counted yet. */
  blobStats(): { readonly blobs: number; readonly bytes: number } | undefined;
  /** Drops what is older than it is kept for. */
  keepHouse(): Promise<void>;
  close(): Promise<void>;
}

/** How long a change waits for another of the same path; a client waits longer. */
const MAX_WAIT_MS = 10_000;

/** @throws VelocityError `STORAGE_UNAVAILABLE`: the folder cannot be used, or another process uses it; `JOURNAL_UNAVAILABLE` */
export async function openFiles(
  settings: Pick<
    FilesSettings,
    'filesHistoryMaxAge' | 'filesHistoryBodiesFor' | 'filesHistoryMaxBytes' | 'filesHistoryMaxBody'
  >,
  { root, clock, onTrouble }: OpenFilesOptions,
): Promise<OpenedFiles> {
  const folder = await Folder.open(root, clock);
  await using opened = new AsyncDisposableStack();
  const lock = await FolderLock.take(`${folder.state}/lock`, `the folder of files ${folder.root}`);
  opened.defer(() => lock.release());
  const journal = await openFileJournal({ folder: folder.state, clock, onTrouble });
  opened.defer(() => journal.close());
  const digests = new DigestPool();
  opened.defer(() => digests.close());
  const blobs = await Blobs.open({
    ...{ stateFolder: folder.state, pool: digests, clock, onTrouble },
    calls: folder.calls,
  });
  const left = await finishWrites({ folder, journal, blobs, digests });
  const reader = new FileReader({ folder, journal, blobs, clock });
  const locks = new PathLocks({ clock, maxWaitMs: MAX_WAIT_MS });
  const files = new Files({
    ...{ folder, journal, locks, blobs, reader, digests },
    maxKeptBytes: settings.filesHistoryMaxBody,
  });
  const parts = opened.move();
  return {
    files,
    left,
    blobStats: () => blobs.stats(),
    async keepHouse() {
      const now = clock.now();
      await journal.pruneBefore(now - settings.filesHistoryMaxAge);
      await blobs.sweep({
        maxAgeMs: settings.filesHistoryBodiesFor,
        maxBytes: settings.filesHistoryMaxBytes,
        now,
      });
    },
    close: () => parts.disposeAsync(),
  };
}
