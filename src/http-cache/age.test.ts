import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAME_AT, dateIn, response } from '../../test/rig/heads.ts';
import { dateOf, initialAge } from './age.ts';
import { MOST_SECONDS } from './directives.ts';

const AGES: Readonly<Record<string, number>> = {
  '100': 100,
  ' 100 ': 100,
  '0100': 100,
  '100, 0': 100,
  '0, 100': 0,
  '2147483647': 2147483647,
  '2147483648': MOST_SECONDS,
  '99999999999999999999': MOST_SECONDS,
  abc: 0,
  '-100': 0,
  '100.0': 0,
  '100;a=b': 0,
  '': 0,
};

for (const [age, seconds] of Object.entries(AGES))
  test(`Age «${age}» is ${seconds} s`, () => {
    assert.equal(initialAge(response([`Date: ${dateIn(0)}`, `Age: ${age}`])), seconds);
  });

test('of several lines of Age the first counts', () => {
  assert.equal(initialAge(response(['Age: 5', 'Age: 100'])), 5);
  assert.equal(initialAge(response(['Age: 100', 'Age: 5'])), 100);
});

test('a response is as old as its Date says, where that is more', () => {
  assert.equal(initialAge(response([`Date: ${dateIn(-60)}`, 'Age: 10'])), 60);
  assert.equal(initialAge(response([`Date: ${dateIn(-60)}`, 'Age: 100'])), 100);
});

test('a Date ahead of the clock makes nothing younger', () => {
  assert.equal(initialAge(response([`Date: ${dateIn(60)}`, 'Age: 10'])), 10);
});

test('the time it took to come counts as age', () => {
  const slow = { ...response([`Date: ${dateIn(0)}`, 'Age: 10']), requestedAt: CAME_AT - 7_900 };
  assert.equal(initialAge(slow), 17);
});

test('without a Date, or with one that is none, a response was made when it came', () => {
  assert.equal(dateOf(response([])), CAME_AT);
  assert.equal(dateOf(response(['Date: foo'])), CAME_AT);
  assert.equal(dateOf(response([`Date: ${dateIn(-5)}`])), CAME_AT - 5_000);
});
