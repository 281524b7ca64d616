import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseInstant } from './instant.ts';

const moments = fc.date({
  min: new Date('0000-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});

test('a moment reads back from how it is written, in every zone', () => {
  fc.assert(
    fc.property(moments, fc.integer({ min: -1439, max: 1439 }), (moment, offsetMinutes) => {
      const ms = moment.getTime();
      assert.equal(parseInstant(moment.toISOString()), ms);
      const local = new Date(ms + offsetMinutes * 60_000);
      if (local.getUTCFullYear() < 0 || local.getUTCFullYear() > 9999) return;
      const offset = new Date(Math.abs(offsetMinutes) * 60_000).toISOString().slice(11, 16);
      const wall = local.toISOString().slice(0, -1);
      assert.equal(parseInstant(`${wall}${offsetMinutes < 0 ? '-' : '+'}${offset}`), ms);
    }),
  );
});

test('milliseconds since the epoch read as themselves', () => {
  fc.assert(fc.property(fc.nat({ max: 8.64e15 }), (ms) => assert.equal(parseInstant(String(ms)), ms)));
  assert.equal(parseInstant('8640000000000001'), undefined);
});

test('whatever is read is a whole moment that a calendar has', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.stringMatching(/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,12})?([Zz]|[-+ ]\d\d:\d\d)$/),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const ms = parseInstant(text);
      if (ms !== undefined) assert.equal(new Date(ms).getTime(), ms);
    }),
    { numRuns: 1000 },
  );
});

test('an offset whose plus was not encoded is one nevertheless', () => {
  assert.equal(parseInstant('2030-01-31T12:00:00 02:00'), Date.parse('2030-01-31T10:00:00Z'));
});

test('a fraction is rounded down to a millisecond, and letters may be small', () => {
  assert.equal(parseInstant('2030-01-31t12:00:00.1239999z'), Date.parse('2030-01-31T12:00:00.123Z'));
  assert.equal(parseInstant('2030-01-31T12:00:00.5Z'), Date.parse('2030-01-31T12:00:00.500Z'));
});

test('what is no such time is not guessed at', () => {
  const dates = [
    '2030-02-29T00:00:00Z',
    '2030-04-31T00:00:00Z',
    '2030-13-01T00:00:00Z',
    '2030-00-10T00:00:00Z',
  ];
  const times = ['2030-01-31T24:00:00Z', '2030-01-31T12:60:00Z', '2030-12-31T23:59:60Z', '2030-01-31T12:00Z'];
  const zones = ['2030-01-31T12:00:00', '2030-01-31T12:00:00+24:00', '2030-01-31T12:00:00+01:60'];
  const others = [
    '',
    '2030-01-31',
    '2030-01-31 12:00:00Z',
    '-1',
    '1.5',
    'now',
    ' 1',
    '2030-01-31T12:00:00.Z',
  ];
  for (const text of [...dates, ...times, ...zones, ...others])
    assert.equal(parseInstant(text), undefined, text);
});
