import assert from 'node:assert/strict';
import { test } from 'node:test';
import { add, money, parseMoney, scale, sum, toCash } from '@shop/money';

test('an amount is read in the decimals of its currency', () => {
  assert.deepEqual(parseMoney('12.30 EUR'), money(1230, 'EUR'));
  assert.deepEqual(parseMoney('-0.05 USD'), money(-5, 'USD'));
  assert.deepEqual(parseMoney('1200 JPY'), money(1200, 'JPY'));
  assert.deepEqual(parseMoney('1.250 KWD'), money(1250, 'KWD'));
});

test('an amount in wrong decimals or an unknown currency is refused', () => {
  for (const text of ['12.3 EUR', '12.30 JPY', '12.30 XXX', '12.30', 'EUR 12.30', '1,20 EUR']) {
    assert.throws(() => parseMoney(text), SyntaxError, text);
  }
});

test('currencies do not mix', () => {
  assert.throws(() => add(money(1, 'EUR'), money(1, 'USD')), TypeError);
});

test('ten dimes are a unit', () => {
  const dimes = Array.from({ length: 10 }, () => parseMoney('0.10 EUR'));
  assert.deepEqual(sum(dimes, 'EUR'), parseMoney('1.00 EUR'));
});

test('scaling rounds half to even, once', () => {
  assert.equal(scale(money(25, 'EUR'), 1, 10).minor, 2);
  assert.equal(scale(money(35, 'EUR'), 1, 10).minor, 4);
  assert.equal(scale(money(25, 'EUR'), 1, 10, 'half-up').minor, 3);
  assert.equal(scale(money(-25, 'EUR'), 1, 10, 'half-up').minor, -3);
});

test('cash is rounded to the smallest coin', () => {
  assert.equal(toCash(parseMoney('7.42 CHF')).minor, 740);
  assert.equal(toCash(parseMoney('7.43 CHF')).minor, 745);
  assert.equal(toCash(parseMoney('99.50 SEK')).minor, 10_000);
  assert.equal(toCash(parseMoney('7.43 EUR')).minor, 743);
});
