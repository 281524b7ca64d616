import type { FilePath } from './file-path.ts';
import { ROOT } from './file-path.ts';
import type { Folder, Found } from './folder.ts';

export interface PruneOptions {
  /** Files that nobody has read for so long go; in milliseconds. */
  readonly unreadMs?: number | undefined;
  /** Those unread for longest go until all that stay are no more than this. */
  readonly maxBytes?: number | undefined;
  /** Below this folder alone. */
  readonly path?: FilePath | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly onRemoved?: ((path: FilePath, found: Found) => void) | undefined;
}

/** Where files lie, and how one goes. */
export interface Prunable {
  readonly folder: Folder;
  readonly isRead: (path: FilePath) => boolean;
  /** Removes a file that is still as it was seen; what is read or written is left alone. Whether it went. */
  readonly removeUnused: (path: FilePath, isAsSeen: (found: Found) => boolean) => Promise<boolean>;
}

/** Says what would go, and leaves it. */
export function dryRun(folder: Folder): Prunable {
  return { folder, isRead: () => false, removeUnused: async () => true };
}

export interface Pruned {
  readonly files: number;
  readonly bytes: number;
  /** Those that would have gone, and were being read or written. */
  readonly busy: number;
  readonly keptFiles: number;
  readonly keptBytes: number;
}

/** A file's access time is no truer than this, so files of one minute go in any order. */
const MINUTE_MS = 60_000;

/**
 * Removes what nobody has read for long, by the files' own access times, which the server keeps true. What is read or written
 * in this moment is left alone. Two passes, so that memory holds minutes and not files.
 */
export async function pruneFiles(files: Prunable, options: PruneOptions): Promise<Pruned> {
  const { now, path = ROOT, onRemoved } = options;
  const since = unreadSince(options);
  const surplus = await surplusOf(files.folder, path, options);
  let [removed, bytes, busy, keptFiles, keptBytes] = [0, 0, 0, 0, 0];
  for await (const { path: file, found } of files.folder.walk(path)) {
    if (found.kind !== 'file') continue;
    const at = usedAt(found, now);
    const isInSurplus = minuteOf(at) === surplus.minute && surplus.bytes > 0;
    const isOld = at < since || minuteOf(at) < surplus.minute || isInSurplus;
    if (isOld && files.isRead(file)) busy++;
    else if (isOld && (await isGone(files, file, found))) {
      removed++;
      bytes += found.sizeBytes;
      if (isInSurplus) surplus.bytes -= found.sizeBytes;
      onRemoved?.(file, found);
      continue;
    }
    keptFiles++;
    keptBytes += found.sizeBytes;
  }
  return { files: removed, bytes, busy, keptFiles, keptBytes };
}

/** Looked at again under its lock: it may have been read, or written anew, since it was listed. */
async function isGone(files: Prunable, path: FilePath, seen: Found): Promise<boolean> {
  return files.removeUnused(
    path,
    (found) => found.usedAt === seen.usedAt && found.modifiedAt === seen.modifiedAt,
  );
}

/** A file from the future is one that is used now. */
function usedAt({ usedAt: at }: Found, now: number): number {
  return Math.min(at, now);
}

function unreadSince({ unreadMs, now }: PruneOptions): number {
  return unreadMs === undefined ? Number.NEGATIVE_INFINITY : now - unreadMs;
}

interface Surplus {
  /** All files that were used before it last go, … */
  readonly minute: number;
  /** … and so many bytes of those that were used in it. */
  bytes: number;
}

function minuteOf(at: number): number {
  return Math.floor(at / MINUTE_MS);
}

/** What is to go so that all files together are within the limit. */
async function surplusOf(folder: Folder, path: FilePath, options: PruneOptions): Promise<Surplus> {
  const { maxBytes, now } = options;
  const none = { minute: Number.NEGATIVE_INFINITY, bytes: 0 };
  if (maxBytes === undefined) return none;
  const byMinute = new Map<number, number>();
  const since = unreadSince(options);
  for await (const { found } of folder.walk(path)) {
    if (found.kind !== 'file' || usedAt(found, now) < since) continue;
    const minute = minuteOf(usedAt(found, now));
    byMinute.set(minute, (byMinute.get(minute) ?? 0) + found.sizeBytes);
  }
  let bytes = 0;
  for (const [minute, ofMinute] of [...byMinute].sort(([a], [b]) => b - a)) {
    bytes += ofMinute;
    if (bytes > maxBytes) return { minute, bytes: bytes - maxBytes };
  }
  return none;
}
