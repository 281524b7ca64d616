import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { Lru } from './eviction/lru.ts';
import { ENTRY_OVERHEAD_BYTES, MemoryTier } from './memory-tier.ts';

const MAX = 100_000;
const TTL = 10_000;

function open(maxBytes = MAX) {
  const clock = new ManualClock();
  return { clock, tier: new MemoryTier<string>({ maxBytes, ttlMs: TTL, eviction: new Lru(), clock }) };
}

test('what was kept is given out until its time is over, and then it is gone', () => {
  const { tier, clock } = open();
  assert.ok(tier.set('a', 'value', 5));
  clock.advance(TTL - 1);
  assert.equal(tier.get('a'), 'value');
  clock.advance(1);
  assert.equal(tier.get('a'), undefined);
  assert.deepEqual([tier.size, tier.bytes], [0, 0]);
});

test('a use does not make it last longer, a new value does', () => {
  const { tier, clock } = open();
  tier.set('a', 'old', 3);
  clock.advance(TTL - 1);
  tier.set('a', 'new', 3);
  clock.advance(TTL - 1);
  assert.equal(tier.get('a'), 'new');
  assert.equal(tier.size, 1);
});

test('a value that is renewed has its whole time again, where it is still the one that is held', () => {
  const { tier, clock } = open();
  tier.set('a', 'value', 5);
  clock.advance(TTL - 1);
  assert.ok(tier.renew('a', 'value', clock.elapsed()));
  assert.ok(!tier.renew('a', 'another', clock.elapsed()) && !tier.renew('b', 'value', clock.elapsed()));
  clock.advance(TTL - 1);
  assert.equal(tier.get('a'), 'value');
  clock.advance(1);
  assert.equal(tier.get('a'), undefined);
});

test('where there is no room the least recently used make some', () => {
  const { tier } = open(10 * (1000 + ENTRY_OVERHEAD_BYTES + 2));
  for (const key of 'abcdefghij') tier.set(key, key, 1000);
  assert.equal(tier.size, 10);
  tier.get('a');
  tier.set('k', 'k', 1000);
  assert.deepEqual([tier.get('a'), tier.get('b'), tier.get('k')], ['a', undefined, 'k']);
});

test('a value of more than an eighth of all is not kept, and pushes nothing out', () => {
  const { tier } = open();
  tier.set('small', 'x', 1);
  assert.equal(tier.set('large', 'x', MAX / 8), false);
  assert.deepEqual([tier.get('large'), tier.get('small')], [undefined, 'x']);
});

test('where a larger value is refused, the smaller one it was to replace is gone too', () => {
  const { tier } = open();
  tier.set('a', 'old', 1);
  tier.set('a', 'new', MAX);
  assert.equal(tier.get('a'), undefined);
});

test('a tier of no size keeps nothing', () => {
  const { tier } = open(0);
  assert.equal(tier.set('a', 'x', 0), false);
  assert.equal(tier.get('a'), undefined);
});

test('whatever is done, it counts what it holds and holds no more than it may', () => {
  const call = fc.record({
    what: fc.constantFrom('set', 'get', 'delete', 'wait'),
    key: fc.constantFrom('a', 'b', 'c', 'dd', 'eee', 'f'.repeat(300)),
    bytes: fc.nat(9_000),
  });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
      const { tier, clock } = open(20_000);
      const model = new Map<string, { value: string; bytes: number; until: number }>();
      calls.forEach(({ what, key, bytes }, i) => {
        if (what === 'wait') clock.advance(bytes);
        if (what === 'delete') tier.delete(key);
        if (what === 'delete') model.delete(key);
        if (what === 'set') {
          const isKept = tier.set(key, String(i), bytes);
          model.delete(key);
          const whole = bytes + key.length * 2 + ENTRY_OVERHEAD_BYTES;
          if (isKept) model.set(key, { value: String(i), bytes: whole, until: clock.elapsed() + TTL });
        }
        const got = tier.get(key);
        const expected = model.get(key);
        if (got !== undefined) assert.equal(got, expected?.value);
        if (expected && clock.elapsed() >= expected.until) assert.equal(got, undefined);
        assert.ok(tier.bytes <= 20_000);
        const held = [...model].filter(([name]) => tier.get(name) !== undefined);
        if (tier.size === held.length)
          assert.equal(
            tier.bytes,
            held.reduce((sum, [, entry]) => sum + entry.bytes, 0),
          );
      });
    }),
  );
});
