import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BareItem, parseDictionary } from './structured-dictionary.ts';

const TRUE: BareItem = { type: 'boolean', value: true };

const VALID: Readonly<Record<string, Readonly<Record<string, BareItem>>>> = {
  '': {},
  '  ': {},
  a: { a: TRUE },
  'a, b=?0': { a: TRUE, b: { type: 'boolean', value: false } },
  'a=1\t,\tb=-2': { a: { type: 'integer', value: 1 }, b: { type: 'integer', value: -2 } },
  'a=1, a=2': { a: { type: 'integer', value: 2 } },
  'a=1.5': { a: { type: 'decimal', value: 1.5 } },
  'a="x\\"y\\\\, z"': { a: { type: 'string', value: 'x"y\\, z' } },
  'a=to:ken/x': { a: { type: 'token', value: 'to:ken/x' } },
  'a=:aGk=:': { a: { type: 'bytes', value: 'aGk=' } },
  'a;p;q=1, b=2; r="s"': { a: TRUE, b: { type: 'integer', value: 2 } },
  'a=(), b=(1 "x";p  y )': { a: { type: 'inner-list' }, b: { type: 'inner-list' } },
  '*a_b-c.d*': { '*a_b-c.d*': TRUE },
};

for (const [text, members] of Object.entries(VALID))
  test(`«${text}» is a dictionary`, () => {
    assert.deepEqual(Object.fromEntries(parseDictionary([text]) ?? []), members);
  });

for (const text of [
  'A=1',
  'a=',
  'a =1',
  'a= 1',
  'a,',
  ',a',
  'a,,b',
  'a b',
  'a=1a',
  'a=1.',
  'a=.5',
  'a=1.2345',
  'a=1234567890123456',
  'a="x',
  'a="\\x"',
  'a="\u{7f}"',
  "a='x'",
  'a=?2',
  'a=(1',
  'a=(1"x")',
  'a;P',
  'a=1, &&&',
])
  test(`«${text}» is no dictionary`, () => {
    assert.equal(parseDictionary([text]), undefined);
  });

test('lines are one dictionary', () => {
  assert.equal(parseDictionary(['a=1', 'b'])?.size, 2);
  assert.equal(parseDictionary(['a=1', '']), undefined);
});

test('what is written as a dictionary is read as it was meant', () => {
  const keys = fc.stringMatching(/^[a-z*][a-z0-9_.*-]{0,9}$/);
  const items: fc.Arbitrary<BareItem> = fc.oneof(
    fc
      .integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 })
      .map((value) => ({ type: 'integer', value }) as const),
    fc.stringMatching(/^[\x20-\x7e]*$/).map((value) => ({ type: 'string', value }) as const),
    fc.boolean().map((value) => ({ type: 'boolean', value }) as const),
    fc
      .stringMatching(/^[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]{0,9}$/)
      .map((value) => ({ type: 'token', value }) as const),
  );
  fc.assert(
    fc.property(fc.dictionary(keys, items), (members) => {
      const text = Object.entries(members).map(([key, item]) => `${key}=${written(item)}`);
      assert.deepEqual(parseDictionary([text.join(', ')]), new Map(Object.entries(members)));
    }),
  );
});

test('any text is read or refused, in time in proportion to its length', () => {
  fc.assert(fc.property(fc.array(fc.string()), (lines) => void parseDictionary(lines)));
  assert.equal(parseDictionary([`a=(${'1 '.repeat(100_000)}`]), undefined);
  assert.equal(parseDictionary([`a${' '.repeat(200_000)}b`]), undefined);
  assert.equal(parseDictionary([`a="${'\\"'.repeat(100_000)}`]), undefined);
});

function written(item: BareItem): string {
  switch (item.type) {
    case 'string':
      return `"${item.value.replaceAll(/["\\]/g, '\\$&')}"`;
    case 'boolean':
      return item.value ? '?1' : '?0';
    case 'inner-list':
      return '()';
    default:
      return String(item.value);
  }
}
