import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAmong, statusRanges } from './status-ranges.ts';

const { parse, show } = statusRanges();

test('statuses are written one by one or as ranges, with commas or as a list', () => {
  for (const [raw, shown] of [
    ['200', '200'],
    [204, '204'],
    ['200-299, 404', '200-299, 404'],
    [[200, '301-308'], '200, 301-308'],
  ] as const) {
    const ranges = parse(raw);
    assert.ok(ranges, String(raw));
    assert.equal(show?.(ranges), shown);
  }
});

test('what is no status is refused', () => {
  for (const raw of ['', '99', '600', '299-200', '2xx', '200-', '200,,201', [], true, null, {}])
    assert.equal(parse(raw), undefined, JSON.stringify(raw));
});

test('a range holds both its ends', () => {
  const ranges = parse('200-204, 301') ?? [];
  assert.deepEqual(
    [199, 200, 204, 205, 301].map((status) => isAmong(status, ranges)),
    [false, true, true, false, true],
  );
});
