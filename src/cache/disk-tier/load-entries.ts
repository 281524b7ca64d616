import type { Dirent } from 'node:fs';
import { join } from 'node:path';
import { inParallel } from '../../base/in-parallel.ts';
import type { DiskEntry } from './disk-entry.ts';
import type { DiskTroubleKind, OnDiskTrouble } from './disk-trouble.ts';
import type { EntryFiles, FileKind } from './entry-files.ts';
import { decodeRecord } from './entry-record.ts';

export interface LoadOptions<M> {
  readonly parseMeta: (raw: unknown) => M | undefined;
  readonly onTrouble: OnDiskTrouble;
  /** Told of each entry, in no order. */
  readonly onFound?: ((key: string, meta: M, sizeBytes: number) => void) | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Folders at once, and in each of them entries. */
const WIDTH = 4;
const SHARD = /^[0-9a-f]{2}$/;
const FILE = /^(?<name>[0-9a-f]{64})\.(?<kind>bin|json)$/;

/**
 * The entries below a folder, the least recently used first. What cannot be an entry is removed and counted; a file whose
 * name is none of ours is left alone. Bodies are not read here: they are checked each time they are. No start fails for
 * anything that is found.
 */
export async function loadEntries<M>(
  files: EntryFiles,
  options: LoadOptions<M>,
): Promise<Map<string, DiskEntry>> {
  const found: [string, DiskEntry][] = [];
  if (files.layout.shardDigits === 0) await loadShard(files, files.folder, options, found);
  else await loadShards(files, options, found);
  return new Map(found.sort(([, a], [, b]) => a.lastUsedAt - b.lastUsedAt));
}

async function loadShards<M>(
  files: EntryFiles,
  options: LoadOptions<M>,
  found: [string, DiskEntry][],
): Promise<void> {
  const shards = (await list(files, files.folder, options)).filter(({ name }) => SHARD.test(name));
  await inParallel(shards, WIDTH, async (shard) => {
    const folder = join(files.folder, shard.name);
    if (!shard.isDirectory()) return discard(files, [folder], 'orphan', options);
    await loadShard(files, folder, options, found);
  });
}

async function loadShard<M>(
  files: EntryFiles,
  folder: string,
  options: LoadOptions<M>,
  found: [string, DiskEntry][],
): Promise<void> {
  const kinds = new Map<string, FileKind[]>();
  for (const dirent of await list(files, folder, options)) {
    const { name = '', kind } = FILE.exec(dirent.name)?.groups ?? {};
    if (files.pathOf(name, kind as FileKind) !== join(folder, dirent.name)) continue;
    if (!dirent.isFile()) await discard(files, [join(folder, dirent.name)], 'orphan', options);
    else kinds.set(name, [...(kinds.get(name) ?? []), kind as FileKind]);
  }
  await inParallel([...kinds], WIDTH, async ([name, present]) => {
    const entry = present.length === 2 ? await loadEntry(files, name, options) : 'orphan';
    if (typeof entry === 'object') found.push([name, entry]);
    else {
      const paths = present.map((kind) => files.pathOf(name, kind));
      await discard(files, paths, entry, options);
    }
  });
}

/** The entry, or what is wrong with it. */
async function loadEntry<M>(
  files: EntryFiles,
  name: string,
  { parseMeta, onFound, now }: LoadOptions<M>,
): Promise<DiskEntry | 'orphan' | 'corrupt-metadata'> {
  try {
    const bytes = await files.readRecord(name);
    const record = bytes && decodeRecord(bytes, parseMeta, files.layout.record);
    if (record === undefined || files.layout.nameOf(record.key) !== name) return 'corrupt-metadata';
    if ((await files.sizeOf(name, 'bin')) !== record.sizeBytes) return 'orphan';
    onFound?.(record.key, record.meta, record.sizeBytes);
    return {
      bodyBytes: record.sizeBytes,
      recordBytes: bytes?.length ?? 0,
      // A clock that was ahead once would make them the youngest for as long.
      storedAt: Math.min(record.storedAt, now),
      lastUsedAt: Math.min(record.lastUsedAt, now),
      uses: record.uses,
    };
  } catch {
    return 'corrupt-metadata'; // the disk does not give it out, whatever the reason
  }
}

async function discard<M>(
  files: EntryFiles,
  paths: readonly string[],
  kind: DiskTroubleKind,
  { onTrouble }: LoadOptions<M>,
): Promise<void> {
  onTrouble(kind);
  for (const path of paths) {
    await files.clear(path).catch((error: unknown) => onTrouble('remove-failed', error));
  }
}

async function list<M>(
  files: EntryFiles,
  folder: string,
  { onTrouble }: LoadOptions<M>,
): Promise<readonly Dirent[]> {
  return files.list(folder).catch((error: unknown) => {
    onTrouble('read-failed', error);
    return [];
  });
}
