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

const HOUR_MS = 3600_000;

/**
 * Removes what nobody has read for long, by the files' own access times, which the server keeps true. What is read or written
 * in this moment is left alone. Two passes, so that memory holds hours and not files.
 */
export async function pruneFiles(files: Prunable, options: PruneOptions): Promise<Pruned> {
  const { now, path = ROOT, onRemoved } = options;
  const keepFrom = Math.max(unreadSince(options), await hourWithin(files.folder, path, options));
  let [removed, bytes, busy, keptFiles, keptBytes] = [0, 0, 0, 0, 0];
  for await (const { path: file, found } of files.folder.walk(path)) {
    if (found.kind !== 'file') continue;
    const isOld = usedAt(found, now) < keepFrom;
    if (isOld && files.isRead(file)) busy++;
    else if (isOld && (await isGone(files, file, found))) {
      removed++;
      bytes += found.sizeBytes;
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

/** The first hour of use from which on all files together are within the limit. */
async function hourWithin(folder: Folder, path: FilePath, options: PruneOptions): Promise<number> {
  const { maxBytes, now } = options;
  if (maxBytes === undefined) return Number.NEGATIVE_INFINITY;
  const byHour = new Map<number, number>();
  const since = unreadSince(options);
  for await (const { found } of folder.walk(path)) {
    if (found.kind !== 'file' || usedAt(found, now) < since) continue;
    const hour = Math.floor(usedAt(found, now) / HOUR_MS);
    byHour.set(hour, (byHour.get(hour) ?? 0) + found.sizeBytes);
  }
  let bytes = 0;
  for (const [hour, ofHour] of [...byHour].sort(([a], [b]) => b - a)) {
    bytes += ofHour;
    if (bytes > maxBytes) return (hour + 1) * HOUR_MS;
  }
  return Number.NEGATIVE_INFINITY;
}
