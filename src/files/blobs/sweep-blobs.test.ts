import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { OpenedBlobs } from '../../../test/rig/opened-blobs.ts';
import { type Digest, digestOf } from '../../base/digest.ts';

const HOUR_MS = 3_600_000;
const NOTHING = { removed: 0, removedBytes: 0, left: 0, kept: 0, keptBytes: 0, historyBytes: 0 };

/** Four revisions of a file, ten bytes each, of which the last is there. */
async function openHistory(): Promise<{
  readonly opened: OpenedBlobs;
  readonly revisions: readonly Digest[];
}> {
  const opened = await OpenedBlobs.open();
  const revisions: Digest[] = [];
  for (let revision = 0; revision < 4; revision++) {
    revisions.push(await opened.put('file', `revision ${revision}`));
    await opened.tick();
  }
  return { opened, revisions };
}

function there(opened: OpenedBlobs, revisions: readonly Digest[]): boolean[] {
  return revisions.map((digest) => existsSync(opened.blobPath(digest)));
}

test('without limits nothing goes, and all is counted', async () => {
  const { opened } = await openHistory();
  await using _ = opened;
  assert.equal(opened.blobs.stats(), undefined);
  const summary = await opened.blobs.sweep({ now: Date.now() + 10_000 * HOUR_MS });
  assert.deepEqual(summary, { ...NOTHING, kept: 4, keptBytes: 40, historyBytes: 30 });
  assert.deepEqual(opened.blobs.stats(), { blobs: 4, bytes: 40, historyBytes: 30 });
});

test('where nothing was ever kept there is nothing to do', async () => {
  await using opened = await OpenedBlobs.open();
  assert.deepEqual(await opened.blobs.sweep({ now: Date.now(), maxBytes: 0, maxAgeMs: 0 }), NOTHING);
  await rm(join(opened.state, 'blobs-v1'), { recursive: true });
  assert.deepEqual(await opened.blobs.sweep({ now: Date.now(), maxBytes: 0, maxAgeMs: 0 }), NOTHING);
  assert.deepEqual(opened.troubles, []);
});

describe('bytes', () => {
  for (const [maxBytes, expected] of [
    [30, [true, true, true, true]],
    [29, [false, true, true, true]],
    [20, [false, true, true, true]],
    [19, [false, false, true, true]],
    [0, [false, false, false, true]],
  ] as const)
    test(`of what only history has ${maxBytes} may stay: the oldest goes first, what is a file never`, async () => {
      const { opened, revisions } = await openHistory();
      await using _ = opened;
      const { removed, removedBytes, historyBytes } = await opened.blobs.sweep({ now: Date.now(), maxBytes });
      assert.deepEqual(there(opened, revisions), expected);
      const gone = expected.filter((isThere) => !isThere).length;
      assert.deepEqual([removed, removedBytes, historyBytes], [gone, gone * 10, 30 - gone * 10]);
      assert.equal(opened.blobs.stats()?.blobs, 4 - gone);
    });
});

describe('age', () => {
  test('it is counted from when a blob was a file, too: a file that is there is none too old', async () => {
    const { opened, revisions } = await openHistory();
    await using _ = opened;
    const now = Date.now() + 2 * HOUR_MS;
    const { removed } = await opened.blobs.sweep({ now, maxAgeMs: 3 * HOUR_MS });
    assert.equal(removed, 0);
    await opened.blobs.sweep({ now, maxAgeMs: HOUR_MS });
    assert.deepEqual(there(opened, revisions), [false, false, false, true]);
    await rm(opened.path('file'));
    await opened.blobs.sweep({ now, maxAgeMs: 3 * HOUR_MS });
    assert.deepEqual(there(opened, revisions), [false, false, false, true]);
    await opened.blobs.sweep({ now, maxAgeMs: HOUR_MS });
    assert.deepEqual(there(opened, revisions), [false, false, false, false]);
  });
});

test('what no revision has goes within the limits, too, but not at once', async () => {
  const { opened, revisions } = await openHistory();
  await using _ = opened;
  const isWanted = (digest: Digest): boolean => digest !== revisions[1] && digest !== revisions[3];
  await opened.blobs.sweep({ now: Date.now(), isWanted });
  assert.deepEqual(there(opened, revisions), [true, true, true, true]);
  await opened.blobs.sweep({ now: Date.now() + 2 * HOUR_MS, isWanted });
  assert.deepEqual(there(opened, revisions), [true, false, true, true]);
});

test('what is open is left alone, and goes with the next sweep', async () => {
  const { opened, revisions } = await openHistory();
  await using _ = opened;
  const sweep = { now: Date.now(), maxBytes: 0 };
  const blob = await opened.blobs.open(revisions[0] as Digest);
  const { removed, left, historyBytes } = await opened.blobs.sweep(sweep);
  assert.deepEqual([removed, left, historyBytes], [2, 1, 10]);
  assert.deepEqual(there(opened, revisions), [true, false, false, true]);
  await blob?.[Symbol.asyncDispose]();
  assert.equal((await opened.blobs.sweep(sweep)).removed, 1);
  assert.deepEqual(there(opened, revisions), [false, false, false, true]);
});

test('a body that is kept again while it is swept is there afterwards', async () => {
  await using opened = await OpenedBlobs.open();
  for (let time = 0; time < 20; time++) {
    const digest = await opened.put('file', `body ${time}`);
    await opened.put('file', 'other');
    await Promise.all([
      opened.blobs.sweep({ now: Date.now(), maxBytes: 0 }),
      opened.put('file', `body ${time}`),
    ]);
    assert.equal(await opened.read(digest), `body ${time}`);
  }
  assert.deepEqual(opened.troubles, []);
});

test('what is not ours is neither counted nor removed', async () => {
  await using opened = await OpenedBlobs.open();
  const folder = join(opened.state, 'blobs-v1', '00');
  await mkdir(join(folder, '0'.repeat(64)), { recursive: true });
  const names = [
    join(folder, 'note'),
    join(folder, digestOf('elsewhere')),
    join(opened.state, 'blobs-v1', 'note'),
  ];
  for (const name of names) await writeFile(name, 'x');
  assert.deepEqual(
    await opened.blobs.sweep({ now: Date.now() + HOUR_MS, maxBytes: 0, maxAgeMs: 0 }),
    NOTHING,
  );
  for (const name of names) assert.ok(existsSync(name));
});

test('one that is called off ends with its reason', async () => {
  const { opened } = await openHistory();
  await using _ = opened;
  const signal = AbortSignal.abort(new Error('stopping'));
  await assert.rejects(opened.blobs.sweep({ now: Date.now(), signal }), { message: 'stopping' });
});

test('between sweeps what comes and what was damaged is counted', async () => {
  const { opened, revisions } = await openHistory();
  await using _ = opened;
  await opened.blobs.sweep({ now: Date.now() });
  await opened.put('other', 'five.');
  assert.deepEqual(opened.blobs.stats(), { blobs: 5, bytes: 45, historyBytes: 30 });
  await opened.put('again', 'five.');
  assert.equal(opened.blobs.stats()?.blobs, 5);
  await opened.tick();
  await writeFile(opened.blobPath(revisions[0] as Digest), 'wrong text');
  assert.equal(await opened.read(revisions[0] as Digest), undefined);
  assert.deepEqual(opened.blobs.stats(), { blobs: 4, bytes: 35, historyBytes: 30 });
});
