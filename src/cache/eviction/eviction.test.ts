import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EVICTIONS, openEviction } from './open-eviction.ts';

interface Step {
  readonly call: 'admit' | 'touch' | 'forget' | 'evict';
  readonly key: string;
}

/** Few keys in some, so that calls meet; many in others, so that queues grow. */
const steps: fc.Arbitrary<readonly Step[]> = fc.constantFrom(3, 12, 60).chain((keys) =>
  fc.array(
    fc.record({
      call: fc.constantFrom('admit', 'admit', 'touch', 'touch', 'touch', 'forget', 'evict'),
      key: fc.nat({ max: keys }).map((n) => `key-${n}`),
    }),
    { maxLength: 500, size: 'max' },
  ),
);

for (const name of EVICTIONS)
  describe(`eviction ${name}`, () => {
    test('of no keys none goes', () => {
      assert.equal(openEviction(name).evict(), undefined);
    });

    test('the only key goes, and then none', () => {
      const eviction = openEviction(name);
      eviction.admit('a');
      assert.deepEqual([eviction.evict(), eviction.evict()], ['a', undefined]);
    });

    test('a key may come again after it went', () => {
      const eviction = openEviction(name);
      for (let round = 0; round < 5; round++) {
        eviction.admit('a');
        assert.deepEqual([eviction.evict(), eviction.evict()], ['a', undefined]);
      }
    });

    test('every key that came goes once, if it was not forgotten, and no other goes', () => {
      fc.assert(
        fc.property(steps, (sequence) => {
          const eviction = openEviction(name);
          const resident = new Set<string>();
          const evict = (): void => {
            const key = eviction.evict();
            if (key === undefined) assert.equal(resident.size, 0, 'none went, but some are there');
            else assert.ok(resident.delete(key), `${key} is not there`);
          };
          for (const { call, key } of sequence) {
            if (call === 'evict') {
              evict();
              continue;
            }
            eviction[call](key);
            if (call === 'admit') resident.add(key);
            if (call === 'forget') resident.delete(key);
          }
          while (resident.size > 0) evict();
          assert.equal(eviction.evict(), undefined);
        }),
      );
    });

    test('to admit what is there changes nothing', () => {
      changesNothing(name, (eviction, resident) => {
        for (const key of resident) eviction.admit(key);
      });
    });

    test('to touch or forget what is not there changes nothing', () => {
      changesNothing(name, (eviction) => {
        eviction.touch('absent');
        eviction.forget('absent');
      });
    });
  });

test('an unknown algorithm is refused', () => {
  assert.throws(() => openEviction('random' as 'lru'), /unreachable: "random"/);
});

/** Keys go in the same order with the change between any two calls as without it. */
function changesNothing(
  name: (typeof EVICTIONS)[number],
  change: (eviction: ReturnType<typeof openEviction>, resident: ReadonlySet<string>) => void,
): void {
  fc.assert(
    fc.property(steps, (sequence) => {
      const plain = openEviction(name);
      const changed = openEviction(name);
      const resident = new Set<string>();
      for (const { call, key } of sequence) {
        change(changed, resident);
        if (call === 'evict') {
          const evicted = plain.evict();
          assert.equal(changed.evict(), evicted);
          if (evicted !== undefined) resident.delete(evicted);
          continue;
        }
        plain[call](key);
        changed[call](key);
        if (call === 'admit') resident.add(key);
        if (call === 'forget') resident.delete(key);
      }
      for (let left = resident.size; left >= 0; left--) assert.equal(changed.evict(), plain.evict());
    }),
  );
}
