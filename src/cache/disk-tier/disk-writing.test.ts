import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { load, type Meta, openDiskTier, store } from '../../../test/rig/opened-disk-tier.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { BLOCK_BYTES } from './block-checksums.ts';
import type { DiskTier } from './disk-tier.ts';
import type { DiskWriting } from './disk-writing.ts';

async function begin(tier: DiskTier<Meta>, key: string, sizeBytes: number): Promise<DiskWriting> {
  const writing = await tier.write(key, { type: 'x' }, sizeBytes);
  assert.ok(writing);
  return writing;
}

async function appendIn(writing: DiskWriting, body: Buffer, chunkBytes: number): Promise<void> {
  for (let at = 0; at < body.length; at += chunkBytes)
    await writing.append(body.subarray(at, at + chunkBytes));
}

/** What the code and the end of a stream were: its bytes, or its failure's code. */
async function outcome(stream: NodeJS.ReadableStream): Promise<Buffer | string> {
  return buffer(stream).catch((error: { code?: string; message: string }) => error.code ?? error.message);
}

describe('DiskWriting', () => {
  for (const chunkBytes of [100, 65_535, 65_536, 100_000, 1_000_000])
    test(`a body in chunks of ${chunkBytes} bytes is stored as it came, though their memory is used again`, async () => {
      await using folder = await openTempFolder();
      await using opened = await openDiskTier(folder.path);
      const body = randomBytes(chunkBytes < 1000 ? 100_001 : 1_500_001);
      const writing = await begin(opened.tier, 'key', body.length);
      const reused = Buffer.alloc(chunkBytes);
      for (let at = 0; at < body.length; at += chunkBytes) {
        const length = body.copy(reused, 0, at, at + chunkBytes);
        await writing.append(reused.subarray(0, length));
      }
      assert.equal(await writing.commit(), true);
      assert.deepEqual(await load(opened.tier, 'key'), body);
    });

  for (const sizeBytes of [0, 100, BLOCK_BYTES, 3 * BLOCK_BYTES + 1])
    test(`a body of ${sizeBytes} bytes that is let go is whole for those who follow it, and nothing is left of it`, async () => {
      await using folder = await openTempFolder();
      await using opened = await openDiskTier(folder.path);
      const { tier, troubles } = opened;
      await store(tier, 'key', 'before');
      const { bytes } = tier;
      const body = randomBytes(sizeBytes);
      const writing = await begin(tier, 'key', sizeBytes);
      const slow = writing.follow('whole');
      const follower = outcome(writing.follow('whole'));
      await appendIn(writing, body, 100_000);
      await writing.letGo();
      assert.deepEqual([await follower, await outcome(slow)], [body, body]);
      assert.equal(await writing.commit(), false);
      assert.deepEqual(await load(tier, 'key'), Buffer.from('before'));
      assert.deepEqual(
        [tier.bytes, troubles, readdirSync(join(folder.path, 'cache-v1-tmp'))],
        [bytes, [], []],
      );
    });

  test('a body that is let go before all of it came fails those who follow it', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const writing = await begin(opened.tier, 'key', 10);
    const follower = outcome(writing.follow('whole'));
    await writing.append(Buffer.alloc(9));
    await writing.letGo();
    assert.equal(await follower, 'BODY_TRUNCATED');
  });

  test('a body that is too short or too long is not stored, and what the key held stays', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const { tier, troubles } = opened;
    await store(tier, 'key', 'before');
    const { bytes } = tier;
    for (const length of [9, 11]) {
      const writing = await begin(tier, 'key', 10);
      const follower = outcome(writing.follow('whole'));
      await writing.append(Buffer.alloc(length));
      assert.equal(await writing.commit(), false);
      assert.equal(await follower, 'BODY_TRUNCATED');
    }
    assert.equal(String(await load(tier, 'key')), 'before');
    assert.equal(tier.bytes, bytes, 'the room that was reserved is given back');
    assert.deepEqual(troubles, [], 'the caller’s mistake is no trouble of the disk');
    assert.deepEqual(readdirSync(join(folder.path, 'cache-v1-tmp')), []);
  });

  test('what is given up is not stored, and gives its room back once', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const writing = await begin(opened.tier, 'key', 100_000);
    await writing.append(Buffer.alloc(90_000));
    await writing.abort();
    await writing.abort();
    await writing.append(Buffer.alloc(10_000));
    assert.equal(await writing.commit(), false);
    assert.deepEqual([opened.tier.bytes, opened.tier.size], [0, 0]);
    assert.deepEqual(readdirSync(join(folder.path, 'cache-v1-tmp')), []);
  });

  test('a commit is done once, and nothing is given up after it', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const writing = await begin(opened.tier, 'key', 1);
    await writing.append(Buffer.from('x'));
    assert.deepEqual(await Promise.all([writing.commit(), writing.commit()]), [true, true]);
    await writing.abort();
    assert.equal(String(await load(opened.tier, 'key')), 'x');
  });

  test('of two that write one key the last to commit is kept', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const [first, second] = [await begin(opened.tier, 'key', 1), await begin(opened.tier, 'key', 1)];
    await second.append(Buffer.from('2'));
    await first.append(Buffer.from('1'));
    await Promise.all([second.commit(), first.commit()]);
    assert.equal(String(await load(opened.tier, 'key')), '1');
    assert.equal(opened.tier.size, 1);
  });
});

describe('followers of a DiskWriting', () => {
  test('each gets the whole body or its part, whenever it comes', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const body = randomBytes(5 * BLOCK_BYTES + 100);
    const writing = await begin(opened.tier, 'key', body.length);
    const early = outcome(writing.follow('whole'));
    const tail = outcome(writing.follow({ first: body.length - 10, last: body.length - 1 }));
    await appendIn(writing, body.subarray(0, 700_000), 50_000);
    const middle = outcome(writing.follow('whole'));
    const part = outcome(writing.follow({ first: 600_000, last: 900_000 }));
    assert.deepEqual(await outcome(writing.follow({ first: 3, last: 500_000 })), body.subarray(3, 500_001));
    await appendIn(writing, body.subarray(700_000), 50_000);
    assert.equal(await writing.commit(), true);
    assert.deepEqual(await early, body);
    assert.deepEqual(await middle, body);
    assert.deepEqual(await tail, body.subarray(-10));
    assert.deepEqual(await part, body.subarray(600_000, 900_001));
    assert.deepEqual(await outcome(writing.follow('whole')), body, 'and after the commit');
    assert.deepEqual(opened.troubles, []);
  });

  test('a byte that was appended reaches them, however few there are', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const writing = await begin(opened.tier, 'key', 10);
    await writing.append(Buffer.from('abc'));
    const late = writing.follow('whole');
    const [first] = (await once(late, 'data')) as [Buffer];
    assert.equal(String(first), 'abc');
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate); // it waits for the next one
    await writing.append(Buffer.from('de'));
    const [second] = (await once(late, 'data')) as [Buffer];
    assert.equal(String(second), 'de');
    await writing.abort();
    await assert.rejects(buffer(late), { code: 'BODY_TRUNCATED' });
  });

  test('none sees a clean end before the commit, and where the body is given up none does', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const body = randomBytes(BLOCK_BYTES * 2);
    const writing = await begin(opened.tier, 'key', body.length);
    const followers = [
      writing.follow('whole'),
      writing.follow({ first: BLOCK_BYTES, last: body.length - 1 }),
    ];
    const ends = followers.map(outcome);
    await appendIn(writing, body, 100_000);
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    assert.ok(followers.every(({ readableEnded }) => !readableEnded));
    await writing.abort(new Error('the digest is another'));
    assert.deepEqual(await Promise.all(ends), ['the digest is another', 'the digest is another']);
    assert.equal(await outcome(writing.follow('whole')), 'the digest is another');
  });

  test('one that is slow holds up neither the writer nor the others, and gets all', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const body = randomBytes(8 * BLOCK_BYTES);
    const writing = await begin(opened.tier, 'key', body.length);
    const fast = outcome(writing.follow('whole'));
    const slow = writing.follow('whole');
    await appendIn(writing, body, 65_536);
    assert.equal(await writing.commit(), true);
    assert.deepEqual(await fast, body);
    assert.ok(slow.readableLength <= 2 * BLOCK_BYTES);
    await opened.tier.delete('key');
    const taken: Buffer[] = [];
    const trickle = new Writable({
      highWaterMark: 1,
      write(chunk: Buffer, _encoding, done) {
        taken.push(chunk);
        setImmediate(done);
      },
    });
    await pipeline(slow, trickle);
    assert.deepEqual(Buffer.concat(taken), body, 'though the entry is deleted');
  });

  test('one that leaves while it waits disturbs nobody', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const body = randomBytes(100_000);
    const writing = await begin(opened.tier, 'key', body.length);
    const leaving = writing.follow('whole').resume();
    const staying = outcome(writing.follow('whole'));
    await new Promise(setImmediate);
    leaving.destroy();
    await appendIn(writing, body, 10_000);
    assert.equal(await writing.commit(), true);
    assert.deepEqual(await staying, body);
    assert.deepEqual(opened.troubles, []);
  });

  test('one that comes after the commit fails where the entry is gone or another, and does not mix them', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const writing = await begin(opened.tier, 'key', 4);
    await writing.append(Buffer.from('1111'));
    await writing.commit();
    await store(opened.tier, 'key', '2222');
    assert.equal(await outcome(writing.follow('whole')), 'STORAGE_UNAVAILABLE');
    assert.equal(String(await load(opened.tier, 'key')), '2222');
    assert.deepEqual(opened.troubles, []);
  });

  test('a block that the disk lost while the body was written fails them, and is found at the next reading', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const body = randomBytes(2 * BLOCK_BYTES);
    const writing = await begin(opened.tier, 'key', body.length);
    await appendIn(writing, body, BLOCK_BYTES);
    const [temp = ''] = readdirSync(join(folder.path, 'cache-v1-tmp'));
    await truncate(join(folder.path, 'cache-v1-tmp', temp), BLOCK_BYTES);
    await truncate(join(folder.path, 'cache-v1-tmp', temp), 2 * BLOCK_BYTES);
    const follower = outcome(writing.follow('whole'));
    assert.equal(await writing.commit(), true);
    assert.equal(await follower, 'DIGEST_MISMATCH');
    assert.equal(await load(opened.tier, 'key'), undefined);
    assert.ok(opened.troubles.every((kind) => kind === 'damaged'));
  });

  test('whatever the chunks, parts and their order, each gets its bytes', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const body = randomBytes(3 * BLOCK_BYTES);
    const run = fc.record({
      size: fc.integer({ min: 1, max: body.length }),
      chunkBytes: fc.integer({ min: 5_000, max: 400_000 }),
      spans: fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat(5)), { maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(run, async ({ size, chunkBytes, spans }) => {
        const writing = await begin(opened.tier, 'key', size);
        const ends: Promise<void>[] = [];
        const follow = (step: number): void => {
          for (const [a, b, when] of spans) {
            if (when !== step) continue;
            const [first = 0, last = 0] = [a % size, b % size].sort((x, y) => x - y);
            const expected = body.subarray(first, last + 1);
            const end = buffer(writing.follow({ first, last }));
            ends.push(end.then((bytes) => assert.ok(bytes.equals(expected), `${first}-${last}`)));
          }
        };
        let step = 0;
        for (let at = 0; at < size; at += chunkBytes) {
          follow(step++);
          await writing.append(body.subarray(at, Math.min(at + chunkBytes, size)));
        }
        assert.ok(await writing.commit());
        for (; step <= 5; step++) follow(step);
        await Promise.all(ends);
      }),
      { numRuns: 60 },
    );
    assert.deepEqual(opened.troubles, []);
  });
});
