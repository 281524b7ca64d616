import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import {
  entryPath,
  holds,
  load,
  loadStream,
  openDiskTier,
  parseMeta,
  SlowDiskClock,
  store,
} from '../../../test/rig/opened-disk-tier.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { TinyDisk } from '../../../test/rig/tiny-disk.ts';
import { until } from '../../../test/rig/until.ts';
import { openEviction } from '../eviction/open-eviction.ts';
import { BLOCK_BYTES } from './block-checksums.ts';
import { decodeRecord } from './entry-record.ts';

/** Files below the folder that this process has open, as far as the system says. */
function openFiles(folder: string): string[] {
  if (!existsSync('/proc/self/fd')) return [];
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(folder) ? [path] : [];
    } catch {
      return []; // the one that lists the folder
    }
  });
}

/** Of all files below the folder, as they are in this moment. */
function bytesBelow(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  return files.reduce((sum, { parentPath, name }) => {
    return sum + (statSync(join(parentPath, name), { throwIfNoEntry: false })?.size ?? 0);
  }, 0);
}

/** What the record on the disk says of the entry's use. */
function useOnDisk(folder: string, key: string): { lastUsedAt: number; uses: number } | undefined {
  const record = decodeRecord(readFileSync(entryPath(folder, key, 'json')), parseMeta);
  return record && { lastUsedAt: record.lastUsedAt, uses: record.uses };
}

const DISKS = [
  ['on a quick disk', ManualClock],
  ['on a slow disk', SlowDiskClock],
] as const;

describe('DiskTier', () => {
  for (const size of [
    0,
    1,
    1000,
    69_000,
    BLOCK_BYTES - 1,
    BLOCK_BYTES,
    BLOCK_BYTES + 1,
    3 * BLOCK_BYTES + 7,
  ]) {
    test(`a body of ${size} bytes is given out as it came, whole, as a stream and in parts`, async () => {
      await using folder = await openTempFolder();
      await using opened = await openDiskTier(folder.path);
      const { tier, clock, troubles } = opened;
      const body = randomBytes(size);
      assert.ok(await store(tier, 'key', body, 'image/png'));
      const reading = await tier.read('key');
      assert.deepEqual([reading?.meta, reading?.sizeBytes], [{ type: 'image/png' }, size]);
      assert.equal(reading?.storedAt, clock.now());
      assert.deepEqual(await reading?.bytes(), body);
      assert.deepEqual(await loadStream(tier, 'key'), body);
      for (const [first, last] of [
        [0, 0],
        [size - 1, size - 1],
        [0, size - 1],
        [BLOCK_BYTES - 1, BLOCK_BYTES],
        [10, size - 2],
      ] as const) {
        if (first < 0 || first > last || last >= size) continue;
        const part = (await tier.read('key'))?.stream({ first, last });
        assert.deepEqual(part && (await buffer(part)), body.subarray(first, last + 1));
      }
      assert.deepEqual(troubles, []);
      await until(async () => openFiles(folder.path).length === 0); // closed a moment after their last byte was read
    });
  }

  test('what was not stored is a miss', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    assert.equal(await opened.tier.read('key'), undefined);
    assert.equal(holds(opened.tier, 'key'), false);
  });

  test('keys may be anything, and no two of them are one', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const keys = [
      '',
      '/',
      '../../etc/passwd',
      'a\0b',
      'Key',
      'key',
      'k'.repeat(100_000),
      '…',
      '\ud800',
      '{"',
    ];
    for (const key of keys) assert.ok(await store(opened.tier, key, `of ${key}`));
    for (const key of keys)
      assert.equal(String(await load(opened.tier, key)), String(Buffer.from(`of ${key}`)));
    assert.equal(opened.tier.size, keys.length);
  });

  test('a part that is not of the body is refused, and the reading can still be closed', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    await store(opened.tier, 'key', 'four');
    using reading = await opened.tier.read('key');
    assert.throws(() => reading?.stream({ first: 0, last: 4 }), { code: 'RANGE_UNSATISFIABLE' });
    assert.throws(() => reading?.stream({ first: 2, last: 1 }), { code: 'RANGE_UNSATISFIABLE' });
    reading?.close();
    await until(async () => openFiles(folder.path).length === 0); // closed a moment after their last byte was read
  });

  test('a reader that breaks off, or does not begin, leaves no file open', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    await store(opened.tier, 'key', randomBytes(5 * BLOCK_BYTES));
    const stream = (await opened.tier.read('key'))?.stream('whole');
    assert.ok(stream);
    await once(stream, 'readable');
    stream.destroy();
    await once(stream, 'close');
    (await opened.tier.read('key'))?.close();
    await new Promise(setImmediate);
    await until(async () => openFiles(folder.path).length === 0); // closed a moment after their last byte was read
  });

  test('a reader that leaves its last bytes where they are holds no file open', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    await store(opened.tier, 'key', 'small');
    const stream = (await opened.tier.read('key'))?.stream('whole');
    assert.ok(stream);
    await once(stream, 'readable');
    await until(async () => openFiles(folder.path).length === 0); // closed a moment after their last byte was read
    assert.equal(String(stream.read()), 'small');
  });

  test('the eviction knows nothing of what was removed', async () => {
    await using folder = await openTempFolder();
    const eviction = openEviction('lru');
    await using opened = await openDiskTier(folder.path, { eviction });
    await store(opened.tier, 'key', 'x');
    await opened.tier.delete('key');
    assert.equal(eviction.evict(), undefined);
  });

  test('a reader that takes nothing has a block or two read for it, not the body', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    await store(opened.tier, 'key', randomBytes(20 * BLOCK_BYTES));
    const stream = (await opened.tier.read('key'))?.stream('whole');
    assert.ok(stream);
    await once(stream, 'readable');
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    assert.ok(stream.readableLength <= 2 * BLOCK_BYTES, `${stream.readableLength} bytes`);
    stream.destroy();
  });

  test('what is written is counted from the first byte on, with its record, and what went is not', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const { tier } = opened;
    assert.equal(tier.bytes, 0);
    const writing = await tier.write('key', { type: 'x' }, 1000);
    assert.ok(tier.bytes >= 1000 && tier.size === 0);
    await writing?.append(Buffer.alloc(1000));
    await writing?.commit();
    const onDisk = (): number =>
      readFileSync(entryPath(folder.path, 'key', 'bin')).length +
      readFileSync(entryPath(folder.path, 'key', 'json')).length;
    assert.equal(tier.bytes, onDisk());
    await store(tier, 'key', 'shorter');
    assert.equal(tier.bytes, onDisk());
    await tier.delete('key');
    assert.deepEqual([tier.bytes, tier.size, holds(tier, 'key')], [0, 0, false]);
    assert.equal(existsSync(entryPath(folder.path, 'key', 'bin')), false);
  });

  test('what is larger than the tier is not begun, and pushes nothing out', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path, { maxBytes: 10_000 });
    await store(opened.tier, 'small', 'x');
    assert.equal(await opened.tier.write('large', { type: 'x' }, 10_000), undefined);
    assert.equal(String(await load(opened.tier, 'small')), 'x');
  });

  test('what is being written is not evicted for more: that is not begun', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path, { maxBytes: 10_000 });
    const { tier } = opened;
    await store(tier, 'small', 'x');
    const writing = await tier.write('a', { type: 'x' }, 6_000);
    assert.equal(await tier.write('b', { type: 'x' }, 6_000), undefined);
    assert.ok(holds(tier, 'small'));
    await writing?.abort();
    assert.ok(await store(tier, 'b', Buffer.alloc(6_000)));
  });

  test('where there is no room the least recently used go, and are told', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path, { maxEntries: 3 });
    const { tier, evicted } = opened;
    for (const key of ['a', 'b', 'c']) await store(tier, key, key);
    await load(tier, 'a');
    await store(tier, 'd', 'd');
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].filter((key) => holds(tier, key)),
      ['a', 'c', 'd'],
    );
    assert.deepEqual(evicted, ['entries']);
    assert.equal(existsSync(entryPath(folder.path, 'b', 'bin')), false);
  });

  test('metadata is what it was when the writing began', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const meta = { type: 'before' };
    const writing = await opened.tier.write('key', meta, 0);
    meta.type = 'after';
    await writing?.commit();
    using reading = await opened.tier.read('key');
    assert.deepEqual(reading?.meta, { type: 'before' });
  });

  for (const [where, Clock] of DISKS)
    test(`an entry is read whole though it is evicted, replaced or deleted meanwhile (F13), ${where}`, async () => {
      await using folder = await openTempFolder();
      await using opened = await openDiskTier(folder.path, { maxEntries: 2, clock: new Clock() });
      const { tier, troubles } = opened;
      const body = randomBytes(6 * BLOCK_BYTES);
      for (const change of [
        () => tier.delete('key'),
        () => store(tier, 'key', randomBytes(body.length)),
        async () => {
          await store(tier, 'other', 'x');
          await store(tier, 'another', 'x');
        },
      ]) {
        await store(tier, 'key', body);
        const stream = (await tier.read('key'))?.stream('whole');
        const whole = await tier.read('key');
        assert.ok(stream && whole);
        await once(stream, 'readable');
        await change();
        assert.deepEqual(await buffer(stream), body);
        assert.deepEqual(await whole.bytes(), body);
      }
      assert.deepEqual(troubles, []);
      await until(async () => openFiles(folder.path).length === 0); // closed a moment after their last byte was read
    });

  for (const [where, Clock] of DISKS)
    test(`readers of a key that is replaced again and again see one body with its own metadata, and no miss, ${where}`, async () => {
      await using folder = await openTempFolder();
      await using opened = await openDiskTier(folder.path, { clock: new Clock() });
      const { tier, troubles } = opened;
      await store(tier, 'key', 'body 0 '.repeat(20_000), 'type 0');
      let isOver = false;
      const write = async (): Promise<void> => {
        for (let round = 1; round <= 60; round++) {
          await store(tier, 'key', `body ${round} `.repeat(20_000), `type ${round}`);
          await new Promise(setImmediate);
        }
        isOver = true;
      };
      let reads = 0;
      const read = async (): Promise<void> => {
        while (!isOver) {
          const reading = await tier.read('key');
          assert.ok(reading, 'a miss');
          const bytes = await reading.bytes();
          assert.equal(bytes?.subarray(0, 10).toString().split(' ')[1], reading.meta.type.split(' ')[1]);
          reads++;
          await new Promise(setImmediate);
        }
      };
      await Promise.all([write(), read(), read(), read()]);
      assert.ok(reads > 20, `only ${reads} reads`);
      assert.deepEqual(troubles, []);
    });

  for (const [where, Clock] of DISKS)
    test(`many writers and readers at once never take it beyond its limits (F4), ${where}`, async () => {
      await using folder = await openTempFolder();
      const limits = { maxBytes: 3_000_000, maxEntries: 40, clock: new Clock() };
      await using opened = await openDiskTier(folder.path, limits);
      const { tier, troubles } = opened;
      const bodies = Array.from({ length: 30 }, (_, i) => randomBytes(1 + i * i * 300));
      let [stored, hits] = [0, 0];
      const check = (): void => {
        assert.ok(tier.bytes <= limits.maxBytes, `${tier.bytes} bytes`);
        assert.ok(tier.size <= limits.maxEntries, `${tier.size} entries`);
      };
      const checkDisk = (): void => {
        const bytes = bytesBelow(folder.path);
        assert.ok(bytes <= limits.maxBytes, `${bytes} bytes on the disk`);
      };
      const work = async (worker: number): Promise<void> => {
        for (let step = 0; step < 60; step++) {
          const i = (worker * 7 + step * 11) % (bodies.length * 2);
          const body = bodies[i % bodies.length] as Buffer;
          if (step % 2 === 0 && (await store(tier, `key ${i}`, body))) stored++;
          check();
          const got = await (step % 3 === 0 ? load : loadStream)(tier, `key ${i}`);
          if (got !== undefined) hits++;
          if (got !== undefined) assert.deepEqual(got, body);
          check();
          if (step % 4 === 0) checkDisk();
        }
      };
      await Promise.all(Array.from({ length: 12 }, (_, worker) => work(worker)));
      assert.ok(stored > 200 && hits > 200, `${stored} stored, ${hits} hits`);
      assert.deepEqual(troubles, []);
      const shards = readdirSync(join(folder.path, 'cache-v1'));
      const files = shards.flatMap((shard) => readdirSync(join(folder.path, 'cache-v1', shard)));
      assert.equal(files.length, tier.size * 2);
      assert.deepEqual(readdirSync(join(folder.path, 'cache-v1-tmp')), []);
    });

  test('an entry is a miss after its age, however often it was read, and is removed when it is asked for', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path, { maxAgeMs: 1000 });
    const { tier, clock, evicted } = opened;
    await store(tier, 'key', 'x');
    clock.advance(999);
    assert.equal(String(await load(tier, 'key')), 'x');
    clock.advance(1);
    assert.equal(holds(tier, 'key'), false);
    assert.equal(await tier.read('key'), undefined);
    assert.deepEqual([tier.size, tier.bytes, evicted], [0, 0, ['age']]);
  });

  test('a cleanup removes what is too old, again and again, and nothing else', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path, { maxAgeMs: 1000, cleanupIntervalMs: 600 });
    const { tier, clock, evicted } = opened;
    await store(tier, 'a', 'x');
    for (const [key, expected] of [
      ['b', ['a', 'b']],
      ['c', ['b', 'c']],
      ['d', ['c', 'd']],
    ] as const) {
      clock.advance(600);
      await new Promise(setImmediate);
      await store(tier, key, 'x');
      assert.equal(tier.size, 2);
      assert.deepEqual(
        ['a', 'b', 'c', 'd'].filter((each) => holds(tier, each)),
        expected,
      );
    }
    assert.deepEqual(evicted, ['age', 'age']);
  });

  test('uses are written down in batches, not with each of them', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path, { accessUpdateIntervalMs: 60_000 });
    const { tier, clock } = opened;
    for (const key of ['a', 'b']) await store(tier, key, key);
    const storedAt = clock.now();
    clock.advance(10_000);
    for (let use = 0; use < 100; use++) await load(tier, 'a');
    clock.advance(59_999);
    await new Promise(setImmediate);
    assert.deepEqual(useOnDisk(folder.path, 'a'), { lastUsedAt: storedAt, uses: 0 });
    clock.advance(1);
    await new Promise(setImmediate);
    assert.deepEqual(useOnDisk(folder.path, 'a'), { lastUsedAt: storedAt + 10_000, uses: 100 });
    assert.deepEqual(useOnDisk(folder.path, 'b'), { lastUsedAt: storedAt, uses: 0 });
    assert.equal(clock.isWaitedFor(60_000), false, 'nothing is waited for while nothing is used');
  });

  test('uses are written down at once where that is asked for, and at the latest when the tier closes', async () => {
    await using folder = await openTempFolder();
    const atOnce = await openDiskTier(folder.path, { accessUpdateIntervalMs: 0 });
    await store(atOnce.tier, 'a', 'x');
    await load(atOnce.tier, 'a');
    await new Promise(setImmediate);
    assert.equal(useOnDisk(folder.path, 'a')?.uses, 1);
    await atOnce.tier.close();
    const later = await openDiskTier(folder.path);
    await load(later.tier, 'a');
    assert.equal(useOnDisk(folder.path, 'a')?.uses, 1);
    await later.tier.close();
    assert.equal(useOnDisk(folder.path, 'a')?.uses, 2);
  });

  test('a tier that is closed gives up what is being written, and is a miss', async () => {
    await using folder = await openTempFolder();
    const { tier } = await openDiskTier(folder.path);
    await store(tier, 'a', 'x');
    const writing = await tier.write('b', { type: 'x' }, 100_000);
    await writing?.append(Buffer.alloc(90_000));
    const follower = writing?.follow('whole');
    follower?.resume();
    const failed = follower && once(follower, 'error');
    await tier.close();
    await failed;
    assert.equal(await writing?.commit(), false);
    assert.equal(await tier.read('a'), undefined);
    assert.equal(await tier.write('c', { type: 'x' }, 1), undefined);
    assert.deepEqual(readdirSync(join(folder.path, 'cache-v1-tmp')), []);
    await until(async () => openFiles(folder.path).length === 0); // closed a moment after their last byte was read
  });

  test('a second tier in the same folder is refused while the first is there', async () => {
    await using folder = await openTempFolder();
    const first = await openDiskTier(folder.path);
    await assert.rejects(openDiskTier(folder.path), {
      code: 'STORAGE_UNAVAILABLE',
      message: new RegExp(`Process ${process.pid} uses the cache folder`),
    });
    await first.tier.close();
    await using _second = await openDiskTier(folder.path);
    await first.tier.close();
    await assert.rejects(openDiskTier(folder.path), 'what is closed again closes nobody else');
  });

  test('a folder that cannot be made is an error that says so', async () => {
    await assert.rejects(openDiskTier('/proc/self/cache'), { code: 'STORAGE_UNAVAILABLE' });
  });

  test('a folder that is removed under it makes misses, and the next writing makes it anew', async () => {
    await using folder = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    const { tier } = opened;
    await store(tier, 'a', 'x');
    const writing = await tier.write('b', { type: 'x' }, 100_000);
    await writing?.append(Buffer.alloc(90_000));
    await rm(folder.path, { recursive: true });
    await writing?.append(Buffer.alloc(10_000));
    assert.equal(await writing?.commit(), false);
    assert.equal(await load(tier, 'a'), undefined);
    assert.equal(tier.size, 0);
    assert.ok(await store(tier, 'c', 'anew'));
    assert.equal(String(await load(tier, 'c')), 'anew');
  });
});

const disk = await TinyDisk.mount(4);
after(() => ('skip' in disk ? undefined : disk[Symbol.asyncDispose]()));
const skip = 'skip' in disk ? disk.skip : false;

test('on a disk that is full a writing fails quietly, what is stored is read, and with room again it stores', {
  skip,
}, async () => {
  const { path } = disk as TinyDisk;
  const { tier, troubles } = await openDiskTier(path);
  const body = randomBytes(3_000_000);
  assert.ok(await store(tier, 'a', body));
  const writing = await tier.write('b', { type: 'x' }, 2_000_000);
  assert.ok(writing);
  const follower = writing.follow('whole');
  const failure = once(follower, 'error');
  follower.resume();
  for (let i = 0; i < 20; i++) await writing.append(Buffer.alloc(100_000));
  assert.equal(await writing.commit(), false);
  const [error] = await failure;
  assert.equal(error.code, 'STORAGE_FULL');
  assert.deepEqual(troubles, ['write-failed']);
  assert.deepEqual(await load(tier, 'a'), body);
  assert.equal(holds(tier, 'b'), false);
  assert.deepEqual(readdirSync(join(path, 'cache-v1-tmp')), []);
  await (disk as TinyDisk).resize(8);
  assert.ok(await store(tier, 'b', Buffer.alloc(2_000_000)));
  await tier.close();
});

test('on a disk that became read-only nothing is written or evicted, and what is there is read', {
  skip,
}, async () => {
  const { path } = disk as TinyDisk;
  const { tier, troubles } = await openDiskTier(path, { maxEntries: 2, accessUpdateIntervalMs: 0 });
  await store(tier, 'a', 'of a');
  await store(tier, 'b', 'of b');
  await (disk as TinyDisk).makeReadOnly();
  assert.equal(await store(tier, 'c', 'of c'), false);
  assert.equal(await store(tier, 'c', 'of c'), false);
  assert.deepEqual([String(await load(tier, 'a')), String(await load(tier, 'b'))], ['of a', 'of b']);
  await tier.delete('b');
  assert.equal(await load(tier, 'b'), undefined);
  assert.ok(troubles.includes('remove-failed') && troubles.includes('write-failed'));
  await (disk as TinyDisk).makeWritable();
  assert.equal(String(await loadStream(tier, 'a')), 'of a');
  for (const key of ['c', 'd', 'e']) assert.ok(await store(tier, key, 'with room again'));
  assert.equal(holds(tier, 'a'), false);
  await tier.close();
});
