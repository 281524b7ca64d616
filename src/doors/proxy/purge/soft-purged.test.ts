import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CAME_AT, dateIn, request, response } from '../../../../test/rig/heads.ts';
import { RFC_POLICY } from '../../../http-cache/policy.ts';
import { reuse } from '../../../http-cache/reuse.ts';
import { isFresh, type StoredFacts, storedFacts, timeToLive } from '../../../http-cache/stored-facts.ts';
import { softPurged } from './soft-purged.ts';

function stored(cacheControl: string): StoredFacts {
  return storedFacts(
    response([`Date: ${dateIn(0)}`, 'ETag: "a"', `Cache-Control: ${cacheControl}`]),
    RFC_POLICY,
  );
}

const LATER = CAME_AT + 20_000;
const decided = (facts: StoredFacts, now: number, ask: readonly string[] = []) =>
  reuse(facts, request(ask).facts, now);

test('a soft purge ends freshness, and grace begins with it', () => {
  const facts = softPurged(stored('max-age=60, stale-while-revalidate=10'), LATER);
  assert.deepEqual(decided(facts, LATER), {
    kind: 'serve-stale',
    reason: 'stale-while-revalidate',
    refreshes: true,
  });
  assert.equal(decided(facts, LATER + 10_000).kind, 'revalidate');
  assert.equal(timeToLive(facts, LATER), 0);
});

test('what must not be sent stale is validated before it is sent', () => {
  const facts = softPurged(stored('max-age=60, must-revalidate'), LATER);
  assert.equal(decided(facts, LATER).kind, 'revalidate');
  assert.equal(decided(facts, LATER, ['Cache-Control: max-stale=60']).kind, 'revalidate');
});

test('nothing is fresh after a soft purge, whatever the clock does, and nothing stale becomes less so', () => {
  fc.assert(
    fc.property(fc.nat(100), fc.integer({ min: -100, max: 200 }), fc.nat(100), (maxAge, at, further) => {
      const before = stored(`max-age=${maxAge}`);
      const now = CAME_AT + at * 1000;
      const after = softPurged(before, now);
      assert.equal(isFresh(after, now + further * 1000), false);
      assert.ok(after.freshUntil <= before.freshUntil);
      assert.ok(timeToLive(after, now) <= Math.min(0, timeToLive(before, now)));
    }),
  );
});
