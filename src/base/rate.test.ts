import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseByteRate, parseRequestRate, type Rate, spellByteRate, spellRequestRate } from './rate.ts';

const rates: fc.Arbitrary<Rate> = fc.record(
  {
    amount: fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
    periodMs: fc.constantFrom(1000, 60_000, 3_600_000, 86_400_000),
  },
  { noNullPrototype: true },
);

test('a rate of requests is a whole number in a second, minute, hour or day', () => {
  assert.deepEqual(parseRequestRate('100/s'), { amount: 100, periodMs: 1000 });
  assert.deepEqual(parseRequestRate('6000/m'), { amount: 6000, periodMs: 60_000 });
  assert.deepEqual(parseRequestRate(' 500 / h '), { amount: 500, periodMs: 3_600_000 });
  assert.deepEqual(parseRequestRate('1/d'), { amount: 1, periodMs: 86_400_000 });
});

test('a rate of bytes is a size with its unit, in the same periods', () => {
  assert.deepEqual(parseByteRate('50GiB/h'), { amount: 50 * 2 ** 30, periodMs: 3_600_000 });
  assert.deepEqual(parseByteRate('1.5MB/s'), { amount: 1_500_000, periodMs: 1000 });
  assert.deepEqual(parseByteRate('1B/d'), { amount: 1, periodMs: 86_400_000 });
});

test('what is not a rate is refused, and so is one of nothing', () => {
  const neither = [
    '',
    '/',
    '/s',
    '100',
    '100/',
    '1/w',
    '1/S',
    '1/min',
    '0/s',
    '-1/s',
    '1e3/s',
    '1/s/s',
    '0B/s',
  ];
  for (const text of neither) {
    assert.equal(parseRequestRate(text), undefined, text);
    assert.equal(parseByteRate(text), undefined, text);
  }
  assert.equal(parseRequestRate('0.5/s'), undefined);
  assert.equal(parseRequestRate(`${2 ** 53}/s`), undefined);
  assert.equal(parseByteRate('0.1B/s'), undefined);
});

test('requests and bytes are not taken for each other', () => {
  assert.equal(parseRequestRate('50GiB/h'), undefined);
  assert.equal(parseByteRate('100/s'), undefined);
});

test('a rate reads back exactly from how it is spelled', () => {
  fc.assert(
    fc.property(rates, (rate) => {
      assert.deepEqual(parseRequestRate(spellRequestRate(rate)), rate);
      assert.deepEqual(parseByteRate(spellByteRate(rate)), rate);
    }),
  );
});

test('no text makes a parser throw or give a rate that no limit could keep', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d.]{0,20}[a-zA-Z]{0,3}\/[smhdw]$/)), (text) => {
      for (const parse of [parseRequestRate, parseByteRate]) {
        const rate = parse(text);
        if (rate) assert.ok(Number.isSafeInteger(rate.amount) && rate.amount >= 1 && rate.periodMs >= 1000);
      }
    }),
  );
});
