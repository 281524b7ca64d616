import assert from 'node:assert/strict';
import { test } from 'node:test';
import { S3Fifo } from './s3-fifo.ts';

const RESIDENT = 100;

/** New keys come, each in the place of another. Gives back those that went. */
function scan(cache: S3Fifo, label: string, length: number): string[] {
  return Array.from({ length }, (_, n) => {
    const evicted = cache.evict();
    cache.admit(`${label}-${n}`);
    return evicted ?? 'none';
  });
}

/** A full cache in which all keys are new. */
function filled(): S3Fifo {
  const cache = new S3Fifo();
  for (let n = 0; n < RESIDENT; n++) cache.admit(`key-${n}`);
  return cache;
}

function touchTimes(cache: S3Fifo, keys: readonly string[], times: number): void {
  for (const key of keys) for (let n = 0; n < times; n++) cache.touch(key);
}

/** Keys that have gone and may come back. */
function withGhosts(...keys: readonly string[]): S3Fifo {
  const cache = new S3Fifo();
  const others = keys.map((key) => `beside-${key}`);
  for (const key of [...keys, ...others]) cache.admit(key);
  for (const key of keys) assert.equal(cache.evict(), key);
  return cache;
}

/** Keys that came back, and no others. */
function withMain(...keys: readonly string[]): S3Fifo {
  const cache = withGhosts(...keys);
  for (const key of keys) {
    cache.admit(key);
    cache.forget(`beside-${key}`);
  }
  return cache;
}

function drain(cache: S3Fifo): string[] {
  const keys: string[] = [];
  for (let key = cache.evict(); key !== undefined; key = cache.evict()) keys.push(key);
  return keys;
}

const working = Array.from({ length: 50 }, (_, n) => `key-${n}`);

test('a scan, however long, does not push out what is used again and again', () => {
  const cache = filled();
  for (let round = 0; round < 20; round++) {
    touchTimes(cache, working, 2);
    const gone = scan(cache, `scan-${round}`, 30);
    assert.deepEqual(
      gone.filter((key) => working.includes(key)),
      [],
    );
  }
});

test('what came for a scan goes in the order in which it came', () => {
  const cache = filled();
  touchTimes(cache, working, 2);
  scan(cache, 'first', 200);
  const gone = scan(cache, 'second', 150);
  assert.deepEqual(
    gone.slice(-100),
    Array.from({ length: 100 }, (_, n) => `second-${n}`),
  );
});

test('a key that is used once after it came goes all the same, one that is used twice stays', () => {
  const cache = filled();
  cache.touch('key-0');
  touchTimes(cache, ['key-1'], 2);
  assert.deepEqual(scan(cache, 'new', 2), ['key-0', 'key-2']);
});

test('a key that comes back soon starts where a scan does not reach it', () => {
  const cache = filled();
  const [gone = ''] = scan(cache, 'before', 1);
  cache.evict();
  cache.admit(gone);
  assert.ok(!scan(cache, 'after', 300).includes(gone));
});

test('a key that comes back late is as new as any', () => {
  const cache = filled();
  const [gone = ''] = scan(cache, 'before', 1);
  scan(cache, 'between', RESIDENT + 1);
  cache.evict();
  cache.admit(gone);
  assert.ok(scan(cache, 'after', RESIDENT).includes(gone));
});

test('there are never more ghosts than keys', () => {
  const cache = filled();
  const gone = scan(cache, 'before', RESIDENT);
  for (let n = 0; n < RESIDENT - 1; n++) cache.forget(`before-${n}`);
  // One key is there, so one ghost is left, the last that went: it alone comes back to the main queue.
  for (const key of [...gone.slice(-2), 'new']) cache.admit(key);
  cache.forget(`before-${RESIDENT - 1}`);
  assert.deepEqual([cache.evict(), cache.evict(), cache.evict()], [gone.at(-2), 'new', gone.at(-1)]);
});

test('a key that was forgotten is no ghost', () => {
  const cache = filled();
  cache.forget('key-0');
  const [gone = ''] = scan(cache, 'before', 1);
  cache.forget(gone);
  for (const key of ['key-0', gone]) cache.admit(key);
  const went = scan(cache, 'after', RESIDENT + 10);
  assert.ok(went.includes('key-0') && went.includes(gone));
});

test('in the main queue a key stays for a round a use, three at most', () => {
  const cache = withMain('a', 'b', 'c', 'd');
  touchTimes(cache, ['a'], 2);
  touchTimes(cache, ['b'], 50);
  touchTimes(cache, ['c'], 3);
  assert.deepEqual(drain(cache), ['d', 'a', 'b', 'c']);
});

test('a ghost that was asked for comes back without a use', () => {
  const cache = withGhosts('a', 'b');
  touchTimes(cache, ['a'], 3);
  for (const key of ['a', 'b']) cache.admit(key);
  assert.deepEqual(drain(cache).slice(-2), ['a', 'b']);
});

test('uses that brought a key to the main queue do not count there', () => {
  const cache = new S3Fifo();
  for (const key of ['a', 'b', 'c']) cache.admit(key);
  touchTimes(cache, ['a'], 3);
  touchTimes(cache, ['b'], 2);
  assert.deepEqual(drain(cache), ['c', 'a', 'b']);
});

test('the small queue gives keys while it has a tenth of them, and the main queue else', () => {
  const cache = new S3Fifo();
  const hot = Array.from({ length: 40 }, (_, n) => `hot-${n}`);
  for (const key of [...hot, 'a', 'b', 'c', 'd', 'e']) cache.admit(key);
  touchTimes(cache, hot, 2);
  // 40 and 5, then 40 and 4, then 39 and 4.
  assert.deepEqual([cache.evict(), cache.evict(), cache.evict()], ['a', 'hot-0', 'hot-1']);
  cache.admit('f');
  assert.equal(cache.evict(), 'b');
});

test('where all keys are hot, one goes after a thousand were passed over', () => {
  const cache = new S3Fifo();
  const keys = Array.from({ length: 2000 }, (_, n) => `key-${n}`);
  for (const key of keys) cache.admit(key);
  touchTimes(cache, keys, 3);
  assert.equal(cache.evict(), 'key-1000');
});
