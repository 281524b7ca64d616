import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration, spellDuration } from './duration.ts';

test('a duration is an amount with its unit, or several one after the other', () => {
  const durations: [string, number][] = [
    ['250ms', 250],
    ['30s', 30_000],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['1.5h', 5_400_000],
    [' 5s ', 5000],
    ['0s', 0],
  ];
  for (const [text, ms] of durations) assert.equal(parseDuration(text), ms, text);
});

test('what is not a duration is refused, a bare number too', () => {
  const texts = [
    '',
    '5',
    '5 s',
    's',
    '-5s',
    '5S',
    '5sec',
    '1h 30m',
    '1.s',
    '.5s',
    '1e3s',
    '5s5',
    'PT5S',
    '1w',
  ];
  for (const text of texts) assert.equal(parseDuration(text), undefined, text);
});

test('a duration is a whole number of milliseconds', () => {
  assert.equal(parseDuration('1.005s'), 1005);
  assert.equal(parseDuration('0.6ms'), 1);
});

test('a duration beyond what a number holds exactly is refused', () => {
  assert.equal(parseDuration(`${'9'.repeat(400)}d`), undefined);
  assert.equal(parseDuration('999999999999d'), undefined);
});

test('a duration is shown in the units that fit its length', () => {
  const shown: [number, string][] = [
    [0, '0 ms'],
    [85.4, '85 ms'],
    [14_300, '14.3 s'],
    [125_000, '2 m 05 s'],
    [3_725_000, '1 h 02 m'],
    [604_800_000, '168 h 00 m'],
  ];
  for (const [ms, text] of shown) assert.equal(formatDuration(ms), text);
});

test('a shown duration never rounds up to a full next unit', () => {
  assert.equal(formatDuration(999.6), '1.0 s');
  assert.equal(formatDuration(59_960), '1 m 00 s');
  assert.equal(formatDuration(3_599_600), '1 h 00 m');
});

test('a duration reads back exactly from how it is spelled', () => {
  const durations = fc.oneof(
    fc.maxSafeNat(),
    fc
      .tuple(fc.nat({ max: 5000 }), fc.constantFrom(1000, 60_000, 3_600_000, 86_400_000))
      .map(([n, unit]) => n * unit),
  );
  fc.assert(fc.property(durations, (ms) => assert.equal(parseDuration(spellDuration(ms)), ms)));
});

test('a duration is spelled in the largest unit that divides it', () => {
  assert.equal(spellDuration(900_000), '15m');
  assert.equal(spellDuration(1500), '1500ms');
  assert.equal(spellDuration(0), '0ms');
});
