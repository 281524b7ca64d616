import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocate, divideRounded, money } from '@shop/money';

test('every share is within a cent of its exact value, and no cent is lost', () => {
  const weightings = [[1], [1, 1, 1], [2, 3, 5], [0, 7, 1, 4], [19, 7, 0, 0, 1, 1], [333, 333, 334]];
  for (const weights of weightings) {
    const total = weights.reduce((left, right) => left + right);
    for (let minor = -50_000; minor <= 50_000; minor++) {
      const shares = allocate(money(minor, 'EUR'), weights);
      const allocated = shares.reduce((left, share) => left + share.minor, 0);
      if (allocated !== minor) assert.fail(`${minor} by ${weights} became ${allocated}`);
      for (const [index, share] of shares.entries()) {
        const exact = (minor * (weights[index] ?? 0)) / total;
        if (Math.abs(share.minor - exact) >= 1) assert.fail(`${minor} by ${weights}: ${share.minor}`);
      }
    }
  }
});

test('the earliest of equals takes the odd cent', () => {
  assert.deepEqual(
    allocate(money(100, 'EUR'), [1, 1, 1]).map((share) => share.minor),
    [34, 33, 33],
  );
});

test('rounding is never further than half a unit away, and ties follow the rule', () => {
  for (let divisor = 1; divisor <= 256; divisor++) {
    for (let dividend = -8_192; dividend <= 8_192; dividend++) {
      const even = divideRounded(dividend, divisor, 'half-even');
      const up = divideRounded(dividend, divisor, 'half-up');
      const offBy = Math.abs(dividend - even * divisor) * 2;
      if (offBy > divisor) assert.fail(`${dividend} / ${divisor} became ${even}`);
      if (offBy === divisor && even % 2 !== 0) assert.fail(`${dividend} / ${divisor}: ${even} is odd`);
      if (offBy !== divisor && even !== up) assert.fail(`${dividend} / ${divisor}: no tie, yet ${up}`);
    }
  }
});

test('what cannot be divided exactly is refused', () => {
  assert.throws(() => divideRounded(2 ** 53, 3, 'down'), RangeError);
  assert.throws(() => divideRounded(1, 0, 'down'), RangeError);
});
