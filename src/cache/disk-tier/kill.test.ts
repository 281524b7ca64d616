import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WRITTEN_KEYS, writtenBody } from '../../../test/rig/disk-tier-writers.ts';
import { openDiskTier } from '../../../test/rig/opened-disk-tier.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';

const WRITERS = fileURLToPath(new URL('../../../test/rig/disk-tier-writers.ts', import.meta.url));

test('of a process that was killed while it wrote, every entry that is found is whole and is one entry', async (t) => {
  await using folder = await openTempFolder();
  let [entries, ruins] = [0, 0];
  for (let round = 0; round < 6; round++) {
    const writers = spawn(process.execPath, [WRITERS, folder.path, round % 2 === 0 ? 'slow' : 'quick'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(writers, 'exit');
    await Promise.race([once(writers.stdout, 'data'), exited]);
    assert.equal(writers.exitCode, null, 'it writes until it is killed');
    writers.kill('SIGKILL');
    await exited;

    const { tier, troubles } = await openDiskTier(folder.path);
    ruins += troubles.length;
    assert.ok(
      troubles.every((kind) => kind === 'left-over' || kind === 'orphan'),
      `${troubles}`,
    );
    for (const key of WRITTEN_KEYS) {
      const reading = await tier.read(key);
      if (reading === undefined) continue;
      entries++;
      const bytes = await reading.bytes();
      assert.ok(bytes?.equals(writtenBody(key, reading.meta.type)), key);
    }
    const files = readdirSync(join(folder.path, 'cache-v1'), { recursive: true, withFileTypes: true });
    assert.equal(files.filter((file) => file.isFile()).length, tier.size * 2);
    assert.deepEqual(readdirSync(join(folder.path, 'cache-v1-tmp')), []);
    await tier.close();
  }
  t.diagnostic(`${entries} entries, ${ruins} files removed at the starts`);
  assert.ok(entries > 50, `${entries} entries`);
});
