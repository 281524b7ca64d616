import { open, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { systemCode } from '../../base/errors.ts';
import { decodeLine, encodeLine } from './line.ts';

const NAME = 'carried-v1.jsonl';
/** Much more than its first line has. */
const MOST_HEAD_BYTES = 1024;
/** Lines are gathered to so many characters for one write. */
const PIECE_LENGTH = 256 * 1024;

/** What stays known of all that was pruned. */
export interface CarriedHead {
  /** Days that end at this moment or before it are not kept; milliseconds since the epoch. */
  readonly prunedBefore: number;
  /** No later entry has this id, or an earlier time. */
  readonly lastId: number;
  readonly lastTs: number;
}

export interface CarriedFile {
  /** `undefined`: damaged, and read as one of the lines. */
  readonly head: CarriedHead | undefined;
  readonly path: string;
  /** Where the entries begin, in bytes. */
  readonly entriesFrom: number;
  readonly sizeBytes: number;
}

/**
 * The newest entries of paths whose days were pruned: `<folder>/carried-v1.jsonl`, a line that says what was pruned, then
 * entries as they were, oldest first. They are not appended to the journal anew: an entry keeps its id, its time and its
 * revision, and nothing is in the journal that did not happen. The file is replaced whole, before any day goes.
 */
export async function readCarried(folder: string): Promise<CarriedFile | undefined> {
  const path = join(folder, NAME);
  const handle = await open(path, 'r').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(MOST_HEAD_BYTES), 0, MOST_HEAD_BYTES, 0);
    const end = buffer.subarray(0, bytesRead).indexOf('\n');
    const head = end === -1 ? undefined : parseHead(decodeLine(buffer.subarray(0, end)));
    const entriesFrom = head ? end + 1 : 0;
    return { head, path, entriesFrom, sizeBytes: (await handle.stat()).size };
  } finally {
    await handle.close();
  }
}

/** Resolves when it is on the disk for good. @param entries their lines, in slices */
export async function writeCarried(
  folder: string,
  head: CarriedHead,
  entries: AsyncIterable<readonly string[]>,
): Promise<CarriedFile> {
  const path = join(folder, NAME);
  const temp = `${path}.tmp`;
  const first = encodeLine(head);
  const handle = await open(temp, 'w');
  try {
    let piece = first;
    for await (const slice of entries) {
      piece += slice.map((line) => `${line}\n`).join('');
      if (piece.length < PIECE_LENGTH) continue;
      await handle.appendFile(piece);
      piece = '';
    }
    await handle.appendFile(piece);
    await handle.sync();
  } catch (error) {
    await handle.close();
    await unlink(temp).catch(() => {});
    throw error;
  }
  await handle.close();
  await rename(temp, path);
  const above = await open(dirname(path), 'r');
  await above.sync().finally(() => above.close());
  return { head, path, entriesFrom: first.length, sizeBytes: (await stat(path)).size };
}

function parseHead(json: string | undefined): CarriedHead | undefined {
  try {
    const { prunedBefore, lastId, lastTs } = JSON.parse(json ?? '{}') as Record<string, unknown>;
    if (!isCount(prunedBefore) || !isCount(lastId) || !isCount(lastTs)) return undefined;
    return { prunedBefore, lastId, lastTs };
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
