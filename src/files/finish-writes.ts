import { lstat, readdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
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

/** Of a clock that was set back a little. */
const LEEWAY_MS = 60_000;
const ENTRIES_AT_ONCE = 1000;

/**
 * After a crash: what the journal has and the folder has not is put in its place, all other temporary files go. For the start,
 * when nobody writes yet.
 */
export async function finishWrites(folder: Folder, journal: Journal, blobs: Blobs): Promise<Finished> {
  const left = new Map<string, number>();
  for (const name of await readdir(folder.temp.folder)) {
    const found = await lstat(join(folder.temp.folder, name));
    left.set(name, found.isFile() ? found.mtimeMs : Number.POSITIVE_INFINITY);
  }
  let finished = 0;
  for (const entry of await entriesOf(left, journal)) {
    const file = join(folder.temp.folder, entry.temp ?? '');
    // Nobody was told that it was written, and something came after it.
    if (journal.head(entry.path)?.id !== entry.id || !entry.after) continue;
    if ((await lstat(file)).size !== entry.after.sizeBytes) continue;
    await utimes(file, entry.ts / 1000, entry.ts / 1000);
    await folder.makeParents(entry.path);
    await blobs.keep(file, entry.after.sha256, entry.after.sizeBytes);
    await folder.place(file, entry.path);
    left.delete(entry.temp ?? '');
    finished++;
  }
  for (const name of left.keys()) await rm(join(folder.temp.folder, name), { recursive: true, force: true });
  return { finished, swept: left.size };
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
