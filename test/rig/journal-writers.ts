import { appendFileSync } from 'node:fs';
import { systemClock } from '../../src/base/clock.ts';
import { openFileJournal } from '../../src/files/journal/file-journal.ts';
import { draftOf } from './opened-journal.ts';

/** Entries of which a write is made elsewhere, so that it is under way when the process is killed. */
const LARGE = 100;
const REASON = 'for no reason at all '.repeat(60);

/**
 * A process that journals until it is killed: `node journal-writers.ts <folder> <file>`. Puts into the file the ids of
 * entries whose append has resolved, a line each, and prints something now and then.
 */
async function writeForEver(folder: string, file: string): Promise<void> {
  const journal = await openFileJournal({ folder, clock: systemClock, onTrouble: () => {} });
  let appended = 0;
  const write = async (worker: number): Promise<void> => {
    for (let turn = 0; ; turn++) {
      const length = turn % 4 === 3 ? LARGE : 1 + (turn % 4);
      const drafts = Array.from({ length }, (_, i) => ({
        ...draftOf(`${worker}/${i}`, `${turn}`),
        reason: REASON,
      }));
      const entries = await journal.appendAll(drafts);
      appendFileSync(file, entries.map(({ id, path, seq }) => `${id} ${path} ${seq}\n`).join(''));
      appended += entries.length;
      if (appended % 50 < drafts.length) console.log(appended);
      if (turn % 7 === 0) await new Promise(setImmediate);
    }
  };
  await Promise.all([0, 1, 2, 3, 4, 5].map(write));
}

if (import.meta.main) await writeForEver(process.argv[2] ?? '', process.argv[3] ?? '');
