import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { openJournal } from '../../../test/rig/opened-journal.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';

const WRITERS = fileURLToPath(new URL('../../../test/rig/journal-writers.ts', import.meta.url));

test('of a process that was killed while it journaled, no entry is lost whose append has resolved', async (t) => {
  await using folder = await openTempFolder();
  const appended = join(folder.path, 'appended');
  const journalFolder = join(folder.path, 'journal');
  for (let round = 0; round < 6; round++) {
    const writers = spawn(process.execPath, [WRITERS, journalFolder, appended], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(writers, 'exit');
    for (let printed = 0; printed <= round * 3; printed++)
      await Promise.race([once(writers.stdout, 'data'), exited]);
    assert.equal(writers.exitCode, null, 'it writes until it is killed');
    writers.kill('SIGKILL');
    await exited;

    if (round % 2 === 0) await rm(join(journalFolder, 'index-v1.sqlite'), { force: true });
    const { journal, troubles } = await openJournal(journalFolder, { clock: new ManualClock() });
    const kept = new Map(journal.query({ limit: 1e6 }).map((entry) => [entry.id, entry]));
    const lines = readFileSync(appended, 'utf8').split('\n').slice(0, -1);
    for (const line of lines) {
      const [id, path, seq] = line.split(' ');
      const entry = kept.get(Number(id));
      assert.deepEqual([entry?.path, entry?.seq], [path, Number(seq)], line);
    }
    const seqs = new Map<string, number>();
    for (const { path, seq } of kept.values()) {
      assert.equal(seq, (seqs.get(path) ?? 0) + 1, `a revision of ${path} is missing`);
      seqs.set(path, seq);
    }
    assert.ok(!troubles.includes('index-failed'));
    t.diagnostic(`${lines.length} of ${kept.size} entries were waited for; ${troubles}`);
    await journal.close();
  }
});
