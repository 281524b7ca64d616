import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  openSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { entryPath, holds, load, openDiskTier, store } from '../../../test/rig/opened-disk-tier.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { BLOCK_BYTES } from './block-checksums.ts';

function flipBit(path: string, position: number): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, position);
  byte[0] = (byte[0] ?? 0) ^ 4;
  writeSync(file, byte, 0, 1, position);
  closeSync(file);
}

function zero(path: string, sizeBytes: number): void {
  truncateSync(path, 0);
  truncateSync(path, sizeBytes);
}

describe('a body that is not what was stored is a miss, is removed and is counted (F10)', () => {
  const size = 3 * BLOCK_BYTES + 1000;
  const damages: Record<string, (bin: string) => void> = {
    'one bit flipped at its beginning': (bin) => flipBit(bin, 0),
    'one bit flipped in the middle': (bin) => flipBit(bin, BLOCK_BYTES * 2 - 1),
    'one bit flipped at its end': (bin) => flipBit(bin, size - 1),
    'cut by a byte': (bin) => truncateSync(bin, size - 1),
    'cut to a block': (bin) => truncateSync(bin, BLOCK_BYTES),
    'longer than it was': (bin) => truncateSync(bin, size + 1),
    zeroed: (bin) => zero(bin, size),
    emptied: (bin) => truncateSync(bin, 0),
    gone: (bin) => rmSync(bin),
    'another of its length': (bin) => writeFileSync(bin, randomBytes(size)),
  };
  for (const [what, damage] of Object.entries(damages))
    test(what, async () => {
      await using folder = await openTempFolder();
      await using opened = await openDiskTier(folder.path);
      const { tier, troubles } = opened;
      await store(tier, 'key', randomBytes(size));
      damage(entryPath(folder.path, 'key', 'bin'));
      assert.equal(await load(tier, 'key'), undefined);
      assert.deepEqual([troubles, holds(tier, 'key'), tier.bytes], [['damaged'], false, 0]);
      assert.ok(!existsSync(entryPath(folder.path, 'key', 'bin')));
      assert.ok(!existsSync(entryPath(folder.path, 'key', 'json')));
      assert.equal(await tier.read('key'), undefined);
      assert.ok(await store(tier, 'key', 'anew'));
      assert.equal(String(await load(tier, 'key')), 'anew');
    });

  test('any single bit of a small one', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    for (let position = 0; position < 50; position++) {
      await store(opened.tier, 'key', 'x'.repeat(50));
      flipBit(entryPath(folder.path, 'key', 'bin'), position);
      assert.equal(await load(opened.tier, 'key'), undefined);
    }
    assert.equal(opened.troubles.length, 50);
  });

  test('a stream ends with an error before the first byte of the block that is bad', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const { tier, troubles } = opened;
    const body = randomBytes(size);
    await store(tier, 'key', body);
    flipBit(entryPath(folder.path, 'key', 'bin'), 2 * BLOCK_BYTES + 500);
    const given: Buffer[] = [];
    const stream = (await tier.read('key'))?.stream('whole').on('data', (chunk: Buffer) => given.push(chunk));
    assert.ok(stream);
    await assert.rejects(buffer(stream), { code: 'DIGEST_MISMATCH' });
    assert.deepEqual(Buffer.concat(given), body.subarray(0, 2 * BLOCK_BYTES));
    assert.deepEqual([troubles, holds(tier, 'key')], [['damaged'], false]);
  });

  test('of a part that lies elsewhere in a bad block no byte is given out; parts in other blocks are', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const { tier, troubles } = opened;
    const body = randomBytes(size);
    await store(tier, 'key', body);
    flipBit(entryPath(folder.path, 'key', 'bin'), BLOCK_BYTES + 500);
    const whole = (await tier.read('key'))?.stream({ first: 10, last: 20 });
    assert.deepEqual(whole && (await buffer(whole)), body.subarray(10, 21));
    const given: Buffer[] = [];
    const first = BLOCK_BYTES + 1000;
    const stream = (await tier.read('key'))?.stream({ first, last: first + 9 });
    assert.ok(stream);
    stream.on('data', (chunk: Buffer) => given.push(chunk));
    await assert.rejects(buffer(stream), { code: 'DIGEST_MISMATCH' });
    assert.deepEqual([given, troubles, holds(tier, 'key')], [[], ['damaged'], false]);
  });

  test('a body that is cut while it is streamed fails its reader', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    await store(opened.tier, 'key', randomBytes(8 * BLOCK_BYTES));
    const stream = (await opened.tier.read('key'))?.stream('whole');
    assert.ok(stream);
    truncateSync(entryPath(folder.path, 'key', 'bin'), BLOCK_BYTES + 10);
    await assert.rejects(buffer(stream), { code: 'BODY_TRUNCATED' });
    assert.deepEqual([opened.troubles, holds(opened.tier, 'key')], [['damaged'], false]);
  });

  test('what is bad of an entry that was replaced does not remove the new one', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const { tier, troubles } = opened;
    await store(tier, 'key', 'old');
    const reading = await tier.read('key');
    flipBit(entryPath(folder.path, 'key', 'bin'), 0);
    await store(tier, 'key', 'new');
    assert.equal(await reading?.bytes(), undefined);
    assert.deepEqual(troubles, ['damaged']);
    assert.equal(String(await load(tier, 'key')), 'new');
  });

  for (const [what, ruin] of Object.entries({
    'is gone': (json: string) => rmSync(json),
    'was cut': (json: string) => truncateSync(json, 60),
    'has one bit flipped': (json: string) => flipBit(json, 120),
    'is garbage': (json: string) => writeFileSync(json, randomBytes(200)),
  }))
    test(`an entry whose record ${what} while the tier is open is a miss and removed (F11)`, async () => {
      await using folder = await openTempFolder();
      await using opened = await openDiskTier(folder.path);
      await store(opened.tier, 'key', 'x');
      ruin(entryPath(folder.path, 'key', 'json'));
      assert.equal(await opened.tier.read('key'), undefined);
      assert.deepEqual([opened.troubles, opened.tier.size], [['corrupt-metadata'], 0]);
      assert.ok(!existsSync(entryPath(folder.path, 'key', 'bin')));
    });
});
