import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatHttpDate, parseHttpDate } from './http-date.ts';

const NOW = Date.UTC(2026, 5, 1);

const DATES: Readonly<Record<string, number>> = {
  'Tue, 02 Mar 2027 04:05:06 GMT': Date.UTC(2027, 2, 2, 4, 5, 6),
  'tUE, 02 mAR 2027 04:05:06 gMt': Date.UTC(2027, 2, 2, 4, 5, 6),
  'Mon, 02 Mar 2027 04:05:06 GMT': Date.UTC(2027, 2, 2, 4, 5, 6), // not that day's name
  'Tuesday, 02-Mar-27 04:05:06 GMT': Date.UTC(2027, 2, 2, 4, 5, 6),
  'Tue Mar  2 04:05:06 2027': Date.UTC(2027, 2, 2, 4, 5, 6),
  'Tue Mar 12 04:05:06 2027': Date.UTC(2027, 2, 12, 4, 5, 6),
  'Sat, 31 Dec 2016 23:59:60 GMT': Date.UTC(2017, 0, 1),
  'Mon, 01 Jan 0001 00:00:00 GMT': Date.parse('0001-01-01T00:00:00Z'),
  'Fri, 31 Dec 9999 23:59:59 GMT': Date.parse('9999-12-31T23:59:59Z'),
};

for (const [text, ms] of Object.entries(DATES))
  test(`«${text}» is a date`, () => {
    assert.equal(parseHttpDate(text, NOW), ms);
  });

for (const text of [
  '',
  '0',
  '-1',
  '1893456000',
  'Tue, 02 Mar 2027 04:05:06 UTC',
  'Tue, 02 Mar 2027 04:05:06 CET',
  'Tue, 02 Mar 2027 04:05:06 +0000',
  'Tue, 02 Mar 2027 04:05:06',
  'Tue, 02 Mar 27 04:05:06 GMT',
  'Tue 02 Mar 2027 04:05:06 GMT',
  'Tue,  02 Mar 2027 04:05:06 GMT',
  'Tue, 02-Mar-2027 04:05:06 GMT',
  'Tue, 02 Mar 2027 04.05.06 GMT',
  'Tue, 02 Mar 2027 4:05:06 GMT',
  'Tue, 2 Mar 2027 04:05:06 GMT',
  'Tue, 31 Feb 2027 04:05:06 GMT',
  'Tue, 00 Mar 2027 04:05:06 GMT',
  'Tue, 02 Mar 2027 24:00:00 GMT',
  'Tue, 02 Mar 2027 04:60:00 GMT',
  'Tue, 02 Mar 2027 04:05:06 GMT, Tue, 02 Mar 2027 04:05:06 GMT',
  '2027-03-02T04:05:06Z',
  'Tue Mar 2 04:05:06 2027',
])
  test(`«${text}» is no date`, () => {
    assert.equal(parseHttpDate(text, NOW), undefined);
  });

test('a year of two digits is never more than 50 years ahead', () => {
  const yearOf = (digits: string) =>
    new Date(parseHttpDate(`Friday, 01-Jan-${digits} 00:00:00 GMT`, NOW) ?? 0).getUTCFullYear();
  assert.deepEqual(['26', '50', '76', '77', '99'].map(yearOf), [2026, 2050, 2076, 1977, 1999]);
});

test('what is written is read again, to the second', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      const ms = Math.floor(date.getTime() / 1000) * 1000;
      assert.equal(parseHttpDate(formatHttpDate(ms), NOW), ms);
    }),
  );
});

test('any text is read or refused', () => {
  fc.assert(fc.property(fc.string(), (text) => assert.equal(parseHttpDate(text, NOW), undefined)));
});
