import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import type { Rate } from '../../base/rate.ts';
import { LONGEST_DEBT_MS, RateLimiter } from './rate-limiter.ts';

const TEN_A_SECOND: Rate = { amount: 10, periodMs: 1000 };

/** One request of the subject, if it may pass. */
function pass(limiter: RateLimiter, subject: string, rate: Rate, cost = 1): boolean {
  if (limiter.waitMs(subject, rate) > 0) return false;
  limiter.charge(subject, rate, cost);
  return true;
}

function passes(limiter: RateLimiter, subject: string, rate: Rate, tries: number): number {
  return Array.from({ length: tries }, () => pass(limiter, subject, rate)).filter(Boolean).length;
}

test('a whole period’s amount may come at once, then as much as comes in the time', () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter(clock);
  assert.equal(passes(limiter, 'a', TEN_A_SECOND, 50), 10);
  clock.advance(100);
  assert.equal(passes(limiter, 'a', TEN_A_SECOND, 50), 1);
  clock.advance(500);
  assert.equal(passes(limiter, 'a', TEN_A_SECOND, 50), 5);
  clock.advance(60_000);
  assert.equal(passes(limiter, 'a', TEN_A_SECOND, 50), 10, 'an allowance is never more than full');
});

test('one subject does not pay for another', () => {
  const limiter = new RateLimiter(new ManualClock());
  passes(limiter, 'a', TEN_A_SECOND, 50);
  assert.equal(passes(limiter, 'b', TEN_A_SECOND, 50), 10);
});

const rates: fc.Arbitrary<Rate> = fc.record({
  amount: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 50 })),
  periodMs: fc.constantFrom(1000, 60_000, 3_600_000),
});
/** Pauses between requests, in thousandths of a period. */
const pauses = fc.array(fc.oneof(fc.constant(0), fc.nat({ max: 60 }), fc.nat({ max: 1500 })), {
  maxLength: 300,
});

test('in no window more passes than a full allowance and what flows in meanwhile', () => {
  fc.assert(
    fc.property(rates, pauses, (rate, steps) => {
      const clock = new ManualClock();
      const limiter = new RateLimiter(clock);
      const passedAt: number[] = [];
      for (const step of steps) {
        clock.advance((step * rate.periodMs) / 1000);
        if (pass(limiter, 'a', rate)) passedAt.push(clock.elapsed());
      }
      for (const [first, from] of passedAt.entries()) {
        for (const [more, to] of passedAt.slice(first).entries()) {
          const most = rate.amount + ((to - from) / rate.periodMs) * rate.amount + 0.02;
          assert.ok(more + 1 <= most, `${more + 1} in ${to - from} ms`);
        }
      }
    }),
  );
});

test('bytes stay within a full allowance, what flows in and the one artifact that overdrew it', () => {
  const sizes = fc.array(fc.tuple(fc.nat({ max: 2000 }), fc.nat({ max: 1_000_000 })), { maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), sizes, (amount, transfers) => {
      const clock = new ManualClock();
      const limiter = new RateLimiter(clock);
      const rate = { amount, periodMs: 1000 };
      const startedAt = clock.elapsed();
      let passed = 0;
      for (const [pause, bytes] of transfers) {
        clock.advance(pause);
        const inTime = ((clock.elapsed() - startedAt) / 1000) * amount;
        if (!pass(limiter, 'a', rate, bytes)) continue;
        assert.ok(passed <= amount + inTime + 0.01 * amount + 1, 'it passed while nothing was left');
        passed += bytes;
      }
    }),
  );
});

test('whoever waits as long as it is told may pass, and not before', () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 1, max: 500 }), (rate, cost) => {
      const clock = new ManualClock();
      const limiter = new RateLimiter(clock);
      limiter.charge('a', rate, rate.amount + cost);
      const wait = limiter.waitMs('a', rate);
      assert.ok(wait > 0);
      clock.advance(wait * 0.99);
      assert.ok(limiter.waitMs('a', rate) > 0);
      clock.advance(wait * 0.01 + 0.01);
      assert.equal(limiter.waitMs('a', rate), 0);
    }),
  );
});

test('a refusal costs nothing: asking again and again does not make the wait longer', () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter(clock);
  passes(limiter, 'a', TEN_A_SECOND, 10);
  const wait = limiter.waitMs('a', TEN_A_SECOND);
  passes(limiter, 'a', TEN_A_SECOND, 1000);
  assert.equal(limiter.waitMs('a', TEN_A_SECOND), wait);
});

test('an artifact larger than the allowance passes, and the next waits until it is paid for', () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter(clock);
  const rate = { amount: 1000, periodMs: 1000 };
  assert.ok(pass(limiter, 'a', rate, 5000));
  assert.ok(!pass(limiter, 'a', rate, 1));
  clock.advance(3990);
  assert.ok(!pass(limiter, 'a', rate, 1));
  clock.advance(20);
  assert.ok(pass(limiter, 'a', rate, 1));
});

test('no debt takes longer than a day to be paid, whatever was announced', () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter(clock);
  for (let uploads = 0; uploads < 1000; uploads++) limiter.charge('a', TEN_A_SECOND, Number.MAX_SAFE_INTEGER);
  assert.ok(limiter.waitMs('a', TEN_A_SECOND) <= LONGEST_DEBT_MS + 1000);
  clock.advance(LONGEST_DEBT_MS + 1000);
  assert.ok(pass(limiter, 'a', TEN_A_SECOND));
});

test('a rate that is changed counts from then on', () => {
  const limiter = new RateLimiter(new ManualClock());
  passes(limiter, 'a', { amount: 10, periodMs: 86_400_000 }, 10);
  assert.equal(passes(limiter, 'a', TEN_A_SECOND, 50), 10);
});

test('whose allowance is full again is forgotten before those who are in debt', () => {
  const clock = new ManualClock();
  const limiter = new RateLimiter(clock, 100);
  const slow = { amount: 1, periodMs: 3_600_000 };
  for (let subject = 0; subject < 20; subject++) limiter.charge(`debtor-${subject}`, slow, 2);
  for (let subject = 0; subject < 10_000; subject++) {
    limiter.charge(`passing-${subject}`, TEN_A_SECOND, 1);
    clock.advance(10);
  }
  for (let subject = 0; subject < 20; subject++) assert.ok(limiter.waitMs(`debtor-${subject}`, slow) > 0);
});

test('never more subjects are remembered than the bound; whoever goes on is not forgotten, whoever left is', () => {
  const limiter = new RateLimiter(new ManualClock(), 100);
  const rate = { amount: 1, periodMs: 3_600_000 };
  limiter.charge('regular', rate, 1);
  for (let subject = 0; subject < 10_000; subject++) {
    limiter.charge(`flood-${subject}`, rate, 1);
    if (subject % 20 === 0) limiter.charge('regular', rate, 1);
    assert.ok(limiter.size <= 100);
  }
  assert.ok(limiter.waitMs('regular', rate) > 0);
  assert.equal(limiter.waitMs('flood-0', rate), 0);
});

test('of any order of subjects the last of them are remembered, half the bound at least', () => {
  const rate = { amount: 1, periodMs: 3_600_000 };
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 60 }), { maxLength: 500 }), (subjects) => {
      const limiter = new RateLimiter(new ManualClock(), 20);
      for (const [index, subject] of subjects.entries()) {
        limiter.charge(String(subject), rate, 1);
        assert.ok(limiter.size <= 20);
        const last = [...new Set(subjects.slice(0, index + 1).toReversed())].slice(0, 10);
        for (const each of last) assert.ok(limiter.waitMs(String(each), rate) > 0, String(each));
      }
    }),
    { numRuns: 30 },
  );
});
