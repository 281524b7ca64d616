import { writeCarried } from './carried-file.ts';
import { type DayFiles, endOf } from './day-files.ts';
import { CARRIED } from './index-progress.ts';
import type { JournalIndex } from './journal-index.ts';
import type { OnJournalTrouble } from './journal-trouble.ts';

/**
 * Drops days of the journal, up to one of them. What must stay known of them is on the disk before the first goes, so a
 * process that is killed on the way has lost nothing, and the next start goes on.
 */
export async function pruneDays(
  index: JournalIndex,
  files: DayFiles,
  lastDay: string,
  onTrouble: OnJournalTrouble,
): Promise<void> {
  index.commit();
  index.assertWritable();
  const { state, files: known } = index.progress;
  const prunedBefore = Math.max(endOf(lastDay), state.prunedBefore);
  const dropped = [...known.keys()].filter((day) => day !== CARRIED && day <= lastDay);
  const lastId = Math.max(...[CARRIED, ...dropped].map((day) => known.get(day)?.lastId ?? 0));
  let entries = 0;
  const countedLines = async function* (): AsyncGenerator<readonly string[]> {
    for await (const lines of index.carried(lastId)) {
      entries += lines.length;
      yield lines;
    }
  };
  const head = { prunedBefore, lastId, lastTs: Math.min(state.lastTs, prunedBefore - 1) };
  const { sizeBytes } = await writeCarried(files.root, head, countedLines());
  await removeDays(files, prunedBefore, onTrouble);
  const carried = { bytes: sizeBytes, entries, skippedLines: 0, lastOffset: 0, lastId };
  await index.drop(lastId, dropped, prunedBefore, carried);
}

/** One that cannot be removed now is tried again at the next start. */
export async function removeDays(
  files: DayFiles,
  prunedBefore: number,
  onTrouble: OnJournalTrouble,
): Promise<void> {
  for (const { day } of await files.list()) {
    if (endOf(day) > prunedBefore) continue;
    await files.remove(day).catch((error: unknown) => onTrouble('remove-failed', error));
  }
}
