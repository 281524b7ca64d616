import { setImmediate as nextTurn } from 'node:timers/promises';
import { type CarriedFile, readCarried } from './carried-file.ts';
import type { DayFile, DayFiles } from './day-files.ts';
import { CARRIED } from './index-progress.ts';
import type { FileProgress } from './index-rows.ts';
import type { JournalIndex } from './journal-index.ts';
import { readEntries } from './journal-reader.ts';
import type { OnJournalTrouble } from './journal-trouble.ts';

/**
 * Puts into the index what the files have and it has not: what came after its last commit, or all of it where it is new or
 * turns out to be of other files. In slices, between which others get their turn.
 * @throws VelocityError `JOURNAL_UNAVAILABLE`, and what the file system says
 */
export async function catchUp(
  index: JournalIndex,
  files: DayFiles,
  onTrouble: OnJournalTrouble,
): Promise<void> {
  const carried = await readCarried(files.root);
  const days = await files.list();
  if (!(await isOfFiles(index, days, carried))) {
    onTrouble('index-removed');
    index.clear();
  }
  const wrongBefore = skippedLines(index);
  if (carried && !index.progress.files.has(CARRIED)) {
    await readInto(index, CARRIED, carried.path, carried.entriesFrom);
    index.progress.carry(carried.head ?? { lastId: 0, lastTs: 0, prunedBefore: 0 }, carried.sizeBytes);
  }
  for (const { day, path, sizeBytes } of days) {
    const from = index.progress.files.get(day)?.bytes ?? 0;
    if (from < sizeBytes) await readInto(index, day, path, from);
  }
  index.commit();
  if (skippedLines(index) > wrongBefore) onTrouble('bad-lines');
  index.declareWhole();
}

async function readInto(index: JournalIndex, day: string, path: string, from: number): Promise<void> {
  for await (const slice of readEntries(path, from)) {
    index.add(day, slice);
    index.assertWritable();
    await nextTurn();
  }
}

/** Whether the index is of these files, as they were when it was committed or with more at the end. */
async function isOfFiles(
  index: JournalIndex,
  days: readonly DayFile[],
  carried: CarriedFile | undefined,
): Promise<boolean> {
  const { files, state } = index.progress;
  if (files.size === 0) return true;
  if (state.prunedBefore !== (carried?.head?.prunedBefore ?? 0)) return false;
  if (files.get(CARRIED)?.bytes !== carried?.sizeBytes) return false;
  const known = [...files].filter(([day]) => day !== CARRIED).sort(([a], [b]) => (a < b ? -1 : 1));
  const here = new Map(days.map((file) => [file.day, file]));
  if (known.some(([day, { bytes }]) => (here.get(day)?.sizeBytes ?? -1) < bytes)) return false;
  // A day that came since is later than all that are known.
  const newest = known.at(-1)?.[0] ?? '';
  if (days.some(({ day }) => day < newest && !files.has(day))) return false;
  const withEntries = known.findLast(([, { lastId }]) => lastId > 0);
  return withEntries === undefined || holdsLast(here.get(withEntries[0])?.path ?? '', withEntries[1]);
}

/** After a power cut, or when the files are from a backup, another entry may lie where the last known one was. */
async function holdsLast(path: string, { lastOffset, lastId }: FileProgress): Promise<boolean> {
  for await (const { entries } of readEntries(path, lastOffset)) return entries[0]?.entry.id === lastId;
  return false;
}

function skippedLines(index: JournalIndex): number {
  return [...index.progress.files.values()].reduce((lines, file) => lines + file.skippedLines, 0);
}
