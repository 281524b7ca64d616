import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatCacheStatus, forwardedFor } from './cache-status.ts';
import { parseDictionary } from './structured-dictionary.ts';

test('a hit tells what remains of its freshness, less than nothing if it is stale', () => {
  assert.equal(formatCacheStatus('VelocityCache', { kind: 'hit', ttl: 12.9 }), 'VelocityCache; hit; ttl=12');
  assert.equal(
    formatCacheStatus('VelocityCache', { kind: 'hit', ttl: -5, detail: 'stale-while-revalidate' }),
    'VelocityCache; hit; ttl=-5; detail=stale-while-revalidate',
  );
});

test('what went on to the origin tells why, and what became of it', () => {
  assert.equal(
    formatCacheStatus('VelocityCache', { kind: 'forwarded', reason: 'uri-miss' }),
    'VelocityCache; fwd=uri-miss',
  );
  assert.equal(
    formatCacheStatus('VelocityCache', {
      kind: 'forwarded',
      reason: 'stale',
      status: 304,
      stored: true,
      collapsed: true,
      ttl: 60,
      key: 'http://h/"x"',
      detail: 'two words',
    }),
    'VelocityCache; fwd=stale; fwd-status=304; stored; collapsed; ttl=60; key="http://h/\\"x\\""; detail="two words"',
  );
});

test('a reason of the rules has its word', () => {
  assert.deepEqual(
    (['method', 'origin-condition', 'no-cache', 'request-min-fresh', 'stale'] as const).map(forwardedFor),
    ['method', 'request', 'stale', 'request', 'stale'],
  );
});

test('what did not happen is not told', () => {
  const status = { kind: 'forwarded', reason: 'miss', stored: false, collapsed: false } as const;
  assert.equal(formatCacheStatus('VelocityCache', status), 'VelocityCache; fwd=miss');
});

test('any key and detail make a valid field', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (key, detail) => {
      const written = formatCacheStatus('c', { kind: 'hit', key, detail });
      assert.match(written, /^[\x20-\x7e]*$/);
      assert.ok(parseDictionary([`x=${written.replaceAll('; ', ';')}`]), written);
    }),
  );
});
