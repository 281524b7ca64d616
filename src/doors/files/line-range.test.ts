import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_LINES, parseLineRange } from './line-range.ts';

test('the four ways to ask for lines', () => {
  assert.deepEqual(parseLineRange('10-50'), { first: 10, last: 50 });
  assert.deepEqual(parseLineRange('7-7'), { first: 7, last: 7 });
  assert.deepEqual(parseLineRange('100'), { first: 1, last: 100 });
  assert.deepEqual(parseLineRange('-20'), { lastLines: 20 });
  assert.deepEqual(parseLineRange('50-'), { first: 50, last: undefined });
});

test('what is read as lines are some that a file can have, and not too many', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('0', '1', '9', '-'), maxLength: 20 }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const range = parseLineRange(text);
        if ('lastLines' in range) assert.ok(range.lastLines >= 1 && range.lastLines <= MAX_LINES);
        else {
          const last = range.last ?? range.first;
          assert.ok(range.first >= 1 && last >= range.first && last - range.first < MAX_LINES);
        }
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'BAD_REQUEST', String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('anything else is refused', () => {
  const none = [
    '',
    '-',
    '0',
    '-0',
    '0-5',
    '5-0',
    '5-4',
    '1-2-3',
    '--5',
    '+5',
    '1,5',
    '1.5',
    'a-b',
    ' 1',
    '1- 2',
  ];
  for (const text of [...none, '9'.repeat(17), '12345678901234567890', '9007199254740993-'])
    assert.throws(() => parseLineRange(text), { code: 'BAD_REQUEST', field: 'lines' }, text);
});

test('more lines than one answer holds are not asked for', () => {
  for (const text of ['100000', '-100000', '5-100004']) parseLineRange(text);
  for (const text of ['100001', '-100001', '5-100005'])
    assert.throws(() => parseLineRange(text), { code: 'BAD_REQUEST', message: /100000/ });
});
