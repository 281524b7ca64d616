import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { Lru } from './eviction/lru.ts';
import { ENTRY_OVERHEAD_BYTES, MemoryTier } from './memory-tier.ts';

const MAX = 100_000;
const TTL = 10_000;

function open(maxBytes = MAX, maxValueBytes?: number) {
  const clock = new ManualClock();
  const options = { maxBytes, maxValueBytes, ttlMs: TTL, eviction: new Lru(), clock };
  return { clock, tier: new MemoryTier<string>(options) };
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

/** What a tier counts for a value of 1,000 bytes under a key of one letter. */
const ENTRY = 1000 + 2 + ENTRY_OVERHEAD_BYTES;

test('a value that is evicted, replaced or deleted while it is lent counts until it is given back', () => {
  for (const remove of [
    (tier: MemoryTier<string>) => tier.delete('a'),
    (tier: MemoryTier<string>) => tier.set('a', 'new', 0),
    (tier: MemoryTier<string>) => [...'bcdefghijk'].forEach((key) => void tier.set(key, key, 1000)),
  ]) {
    const { tier } = open(10 * ENTRY);
    tier.set('a', 'old', 1000);
    const giveBack = tier.lend('a', 'old', 1000);
    remove(tier);
    assert.notEqual(tier.get('a'), 'old');
    assert.equal(tier.lentBytes, ENTRY);
    const before = tier.bytes;
    giveBack?.();
    assert.deepEqual([tier.bytes, tier.lentBytes], [before - ENTRY, 0]);
    giveBack?.();
    assert.equal(tier.bytes, before - ENTRY);
  }
});

test('what is lent counts once, however many have it, and until the last gives it back', () => {
  const { tier } = open();
  tier.set('a', 'value', 1000);
  const loans = Array.from({ length: 100 }, () => tier.lend('a', 'value', 1000));
  assert.deepEqual([tier.bytes, tier.lentBytes], [ENTRY, ENTRY]);
  tier.delete('a');
  for (const giveBack of loans.slice(1)) giveBack?.();
  assert.deepEqual([tier.bytes, tier.lentBytes], [ENTRY, ENTRY]);
  loans[0]?.();
  assert.deepEqual([tier.bytes, tier.lentBytes], [0, 0]);
});

test('other entries make room for what is lent, and where that leaves none nothing more is kept or lent', () => {
  const { tier } = open(10 * ENTRY, MAX);
  const loans = [...'abcdefgh'].map((key) => {
    tier.set(key, key, 1000);
    const giveBack = tier.lend(key, key, 1000);
    tier.delete(key);
    return giveBack;
  });
  for (const key of 'klm') assert.ok(tier.set(key, key, 1000));
  assert.deepEqual([tier.get('k'), tier.get('l'), tier.get('m')], [undefined, 'l', 'm']);
  assert.ok(tier.takes(2 * 1000) && !tier.takes(3 * 1000));
  assert.ok(!tier.set('n', 'n', 3 * 1000) && !tier.lend('n', 'n', 3 * 1000));
  assert.deepEqual([tier.get('l'), tier.get('m')], ['l', 'm'], 'in vain nobody goes');
  loans[0]?.();
  assert.ok(tier.lend('n', 'n', 2 * 1000));
  assert.ok(tier.bytes <= 10 * ENTRY);
});

test('a value that is lent before it is kept, or kept again, finds its room taken by itself', () => {
  const { tier } = open(3 * ENTRY, MAX);
  tier.set('other', 'x', 0);
  const giveBack = tier.lend('a', 'value', 1000);
  assert.ok(giveBack);
  for (let time = 0; time < 2; time++) {
    assert.ok(tier.set('a', 'value', 1000));
    assert.deepEqual([tier.get('a'), tier.get('other')], ['value', 'x']);
    assert.equal(tier.lentBytes, ENTRY);
  }
  giveBack();
  assert.equal(tier.get('a'), 'value');
  tier.delete('other');
  assert.deepEqual([tier.bytes, tier.lentBytes], [ENTRY, 0]);
});

test('whatever is done, it counts what it holds and holds no more than it may', () => {
  const call = fc.record({
    what: fc.constantFrom('set', 'get', 'delete', 'wait', 'lend', 'give back'),
    key: fc.constantFrom('a', 'b', 'c', 'dd', 'eee', 'f'.repeat(300)),
    bytes: fc.nat(9_000),
  });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
      const { tier, clock } = open(20_000);
      const model = new Map<string, { value: string; bytes: number; until: number }>();
      const loans: { value: string; bytes: number; giveBack: () => void }[] = [];
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
        if (what === 'lend') {
          const value = tier.get(key);
          const giveBack = value && tier.lend(key, value, 0);
          if (value) assert.ok(giveBack, 'what is held can be lent');
          if (giveBack) loans.push({ value, bytes: model.get(key)?.bytes ?? 0, giveBack });
        }
        if (what === 'give back') loans.splice(bytes % (loans.length + 1), 1)[0]?.giveBack();
        const lent = new Map(loans.map((loan) => [loan.value, loan.bytes]));
        const sumOf = (sizes: Iterable<number>): number => [...sizes].reduce((sum, size) => sum + size, 0);
        assert.equal(tier.lentBytes, sumOf(lent.values()));
        const got = tier.get(key);
        const expected = model.get(key);
        if (got !== undefined) assert.equal(got, expected?.value);
        if (expected && clock.elapsed() >= expected.until) assert.equal(got, undefined);
        assert.ok(tier.bytes <= 20_000);
        const held = [...model].filter(([name]) => tier.get(name) !== undefined);
        const counted = new Map([...lent, ...held.map(([, { value, bytes }]) => [value, bytes] as const)]);
        if (tier.size === held.length) assert.equal(tier.bytes, sumOf(counted.values()));
      });
    }),
  );
});
