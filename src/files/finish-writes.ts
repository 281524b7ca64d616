import { lstat, readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import type { DigestPool } from '../base/file-digest/digest-pool.ts';
import type { Blobs } from './blobs/blobs.ts';
import type { Folder } from './folder.ts';
import type { Journal } from './journal/journal.ts';
import type { JournalEntry } from './journal/journal-entry.ts';

export interface Finished {
  /** Files that were written down and not in their place yet. */
  readonly finished: number;
  /** Of bodies that had not come whole, and of folders that were being removed. */
  readonly swept: number;
}

interface Parts {
  readonly folder: Folder;
  readonly journal: Journal;
  readonly blobs: Blobs;
  readonly digests: DigestPool;
}

/** Of a clock that was set back a little. */
const LEEWAY_MS = 60_000;
const ENTRIES_AT_ONCE = 1000;

/**
 * After a crash: what the journal has and the folder has not is put in its place, all other temporary files go. For the start,
 * when nobody writes yet.
 */
export async function finishWrites({ folder, journal, blobs, digests }: Parts): Promise<Finished> {
  const left = new Map<string, number>();
  for (const name of await readdir(folder.temp.folder)) {
    const found = await lstat(join(folder.temp.folder, name));
    left.set(name, found.isFile() ? found.mtimeMs : Number.POSITIVE_INFINITY);
  }
  let finished = 0;
  for (const entry of await entriesOf(left, journal)) {
    const { path, seq, temp = '' } = entry;
    // Nobody was told that it was written, and something came after it.
    if (journal.head(path)?.id !== entry.id) continue;
    try {
      await finish(entry, join(folder.temp.folder, temp));
      left.delete(temp);
      finished++;
    } catch (error) {
      await journal.append({ op: 'gap', path, reason: `revision ${seq} was not made: ${messageOf(error)}` });
    }
  }
  for (const name of left.keys()) await folder.discard(join(folder.temp.folder, name));
  return { finished, swept: left.size };

  async function finish({ path, ts, after }: JournalEntry, file: string): Promise<void> {
    if (!after) throw new Error('the journal does not know its bytes');
    // After a power cut a file may have its length and not its bytes.
    const { digest } = await digests.digestFile(file);
    if (digest !== after.sha256) throw new Error('its bytes had not come to the disk');
    await utimes(file, ts / 1000, ts / 1000);
    await folder.makeParents(path);
    await blobs.keep(file, after.sha256, after.sizeBytes);
    await folder.place(file, path);
  }
}

/** That name one of the files; they were written down after it was begun. */
async function entriesOf(left: ReadonlyMap<string, number>, journal: Journal): Promise<JournalEntry[]> {
  const begun = Math.min(...left.values());
  if (!Number.isFinite(begun)) return [];
  const found: JournalEntry[] = [];
  for (let afterId = 0; ; ) {
    const page = journal.query({ since: Math.floor(begun) - LEEWAY_MS, afterId, limit: ENTRIES_AT_ONCE });
    found.push(...page.filter(({ temp }) => temp !== undefined && left.has(temp)));
    const last = page.at(-1);
    if (!last || page.length < ENTRIES_AT_ONCE) return found;
    afterId = last.id;
  }
}
