import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { objectKeys } from '../../../../test/rig/arbitraries.ts';
import { openTempFolder } from '../../../../test/rig/temp-folder.ts';
import { keyFromText, keyToPath } from './key-path.ts';
import { walk } from './walk.ts';

function latin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}

test('files are walked in the byte order of their keys, those under the prefix and behind the start alone', async () => {
  const bounds = fc.oneof(
    objectKeys.map(String),
    fc.string({ unit: fc.constantFrom('a', 'b', '.', '-', '/', 'é'), maxLength: 4 }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(objectKeys, { maxLength: 15 }),
      fc.oneof(fc.constant(''), bounds),
      fc.option(bounds, { nil: undefined }),
      async (keys, prefix, after) => {
        await using folder = await openTempFolder();
        for (const key of keys) {
          const path = join(folder.path, keyToPath(key));
          await mkdir(dirname(path), { recursive: true });
          await writeFile(path, '');
        }
        const walked: unknown[] = [];
        const limits = { prefix: latin1(prefix), after: after === undefined ? undefined : latin1(after) };
        for await (const { text, path } of walk(folder.path, '', limits)) {
          const key = keyFromText(text);
          assert.equal(path, key && join(folder.path, keyToPath(key)));
          walked.push(key);
        }
        const bytes = (text: string): Buffer => Buffer.from(text);
        const expected = keys
          .filter((key) => key.startsWith(prefix))
          .filter((key) => after === undefined || Buffer.compare(bytes(key), bytes(after)) > 0)
          .sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
        assert.deepEqual(walked, expected);
      },
    ),
    { numRuns: 150 },
  );
});

test('a folder that is not there holds nothing', async () => {
  await using folder = await openTempFolder();
  const walked: unknown[] = [];
  const bounds = { prefix: '', after: undefined };
  for await (const found of walk(join(folder.path, 'none'), '', bounds)) walked.push(found);
  assert.deepEqual(walked, []);
});
