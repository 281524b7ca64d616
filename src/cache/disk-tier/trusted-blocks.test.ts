import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, statSync, truncateSync, utimesSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import {
  entryPath,
  holds,
  load,
  loadStream,
  openDiskTier,
  store,
} from '../../../test/rig/opened-disk-tier.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { until } from '../../../test/rig/until.ts';
import { QuickCalls } from '../../storage/drivers/local/quick-calls.ts';
import { BLOCK_BYTES, BlockChecksums } from './block-checksums.ts';
import { CheckedBody } from './checked-body.ts';
import { SharedFile } from './shared-file.ts';
import { RecentChecks, TELLING_MS, TRUST_MS, TrustedBlocks } from './trusted-blocks.ts';

const SIZE = 3 * BLOCK_BYTES + 1000;

function flipBit(path: string, position: number): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, position);
  byte[0] = (byte[0] ?? 0) ^ 4;
  writeSync(file, byte, 0, 1, position);
  closeSync(file);
}

test('a block is trusted until the minute is over that began with the first of its body', () => {
  const times = fc.array(fc.record({ block: fc.nat(40), ms: fc.nat(20_000) }), { maxLength: 40 });
  fc.assert(
    fc.property(times, (calls) => {
      const clock = new ManualClock();
      const blocks = new TrustedBlocks('a', 41, clock);
      const checkedAt = new Map<number, number>();
      for (const { block, ms } of calls) {
        clock.advance(ms);
        if (!blocks.has(block)) checkedAt.set(block, clock.elapsed());
        else assert.ok(clock.elapsed() - (checkedAt.get(block) ?? 0) < TRUST_MS);
        blocks.add(block);
        assert.ok(blocks.has(block));
      }
    }),
  );
});

test('of a body nothing is remembered before any further write to its file would show', () => {
  const clock = new ManualClock();
  const checks = new RecentChecks(clock);
  const entry = {};
  assert.equal(checks.of(entry, 'a', 1), undefined);
  clock.advance(TELLING_MS);
  assert.equal(checks.of(entry, 'a', 1), undefined);
  clock.advance(1);
  checks.of(entry, 'a', 1)?.add(0);
  assert.ok(checks.of(entry, 'a', 1)?.has(0));
  assert.equal(checks.of(entry, 'b', 1), undefined, 'it was written to');
  clock.advance(TELLING_MS + 1);
  assert.equal(checks.of(entry, 'b', 1)?.has(0), false);
  assert.equal(checks.of({}, 'b', 1), undefined, 'another entry');
});

test('what is remembered is bounded: bodies that were not opened for longest are forgotten, and huge ones never known', () => {
  const clock = new ManualClock();
  const checks = new RecentChecks(clock);
  const entries = Array.from({ length: 10_000 }, () => ({}));
  for (const entry of entries) checks.of(entry, 'a', 1);
  assert.equal(checks.size, 4096);
  clock.advance(TELLING_MS + 1);
  assert.ok(checks.of(entries.at(-1) as object, 'a', 1));
  assert.equal(checks.of(entries[0] as object, 'a', 1), undefined);
  for (const _ of [1, 2]) {
    assert.equal(checks.of(checks, 'a', 100_000), undefined);
    clock.advance(TELLING_MS + 1);
  }
});

test('a block that was found right is not checked again within the minute, and after it all are', async () => {
  await using folder = await openTempFolder();
  const [clock, body] = [new ManualClock(), randomBytes(SIZE)];
  const file = new SharedFile(new QuickCalls(clock));
  await file.create(join(folder.path, 'body'));
  await file.append([body]);
  const checksums = new BlockChecksums();
  checksums.update(body);
  const expected = checksums.finish();
  let checked: number[] = [];
  const checksumOf = (block: number): number | undefined => {
    checked.push(block);
    return expected[block];
  };
  const whole = new CheckedBody(file, SIZE, checksumOf, new TrustedBlocks('a', 4, clock));
  const readAll = async (): Promise<number[]> => {
    checked = [];
    assert.ok((await whole.readWhole()).equals(body));
    return checked;
  };
  await whole.read(BLOCK_BYTES + 5, BLOCK_BYTES + 6);
  assert.deepEqual(await readAll(), [0, 2, 3]);
  clock.advance(TRUST_MS - 1);
  assert.deepEqual(await readAll(), []);
  clock.advance(1);
  assert.deepEqual(await readAll(), [0, 1, 2, 3]);
  file.release();
});

test('a block that was found wrong is not trusted', async () => {
  await using folder = await openTempFolder();
  const clock = new ManualClock();
  const file = new SharedFile(new QuickCalls(clock));
  await file.create(join(folder.path, 'body'));
  await file.append([randomBytes(100)]);
  const body = new CheckedBody(file, 100, () => 0, new TrustedBlocks('a', 1, clock));
  for (const _ of [1, 2]) await assert.rejects(body.readWhole(), { code: 'DIGEST_MISMATCH' });
  file.release();
});

/** A tier with an entry all of whose blocks are trusted now. */
async function openTrusted(folder: string) {
  const opened = await openDiskTier(folder);
  const body = randomBytes(SIZE);
  await store(opened.tier, 'key', body);
  const bin = entryPath(folder, 'key', 'bin');
  await until(async () => Date.now() - statSync(bin).ctimeMs > 50); // the next write has another time
  for (const _ of [1, 2]) {
    assert.ok((await load(opened.tier, 'key'))?.equals(body));
    opened.clock.advance(TELLING_MS + 1);
  }
  return { ...opened, body, bin };
}

for (const [what, damage] of Object.entries({
  'a bit that is flipped': (bin: string) => flipBit(bin, 2 * BLOCK_BYTES),
  'a bit that is flipped, and the time of the change set back': (bin: string) => {
    const { atime, mtime } = statSync(bin);
    flipBit(bin, 0);
    utimesSync(bin, atime, mtime);
  },
  'a body that is cut': (bin: string) => truncateSync(bin, SIZE - 1),
}))
  for (const [way, read] of Object.entries({ whole: load, 'as a stream': loadStream }))
    test(`${what} is found within the minute, read ${way}`, async () => {
      await using folder = await openTempFolder();
      const { tier, troubles, bin } = await openTrusted(folder.path);
      damage(bin);
      const got = await read(tier, 'key').catch((error: { code: string }) => error.code);
      assert.ok(got === undefined || got === 'DIGEST_MISMATCH', String(got));
      assert.deepEqual([troubles, holds(tier, 'key')], [['damaged'], false]);
      await tier.close();
    });

test('what was written in place of a trusted body is checked, and read', async () => {
  await using folder = await openTempFolder();
  const { tier, troubles, bin } = await openTrusted(folder.path);
  const other = randomBytes(SIZE);
  await store(tier, 'key', other);
  assert.ok((await load(tier, 'key'))?.equals(other));
  flipBit(bin, 1);
  assert.equal(await load(tier, 'key'), undefined);
  assert.deepEqual(troubles, ['damaged']);
  await tier.close();
});
