import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { parseCcacheKey } from './ccache-key.ts';

/** As ccache 4.7.5 asked for one entry in its layouts. */
const HEX = 'e16929eae0d23de7b50fe20a5b46626b072697b1';

for (const [layout, text] of [
  ['subdirs and flat', 'e16957le1khtsuqgvogabd364qo74qbr2'],
  ['bazel', 'e16929eae0d23de7b50fe20a5b46626b072697b1e16929eae0d23de7b50fe20a'],
  ['subdirs and flat, of later versions', HEX],
] as const)
  test(`the key that the layout ${layout} asks for is that of the others`, () => {
    assert.equal(parseCcacheKey(text), HEX);
  });

/** RFC 4648 §7 from its bits. */
function base32hex(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{1,5}/g) ?? [])
    .map((five) => Number.parseInt(five.padEnd(5, '0'), 2).toString(32))
    .join('');
}

test('whatever the digest, all its spellings are one key', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (bytes) => {
      const hex = Buffer.from(bytes).toString('hex');
      assert.equal(parseCcacheKey(hex), hex);
      assert.equal(parseCcacheKey(hex + hex.slice(0, 24)), hex);
      assert.equal(parseCcacheKey(hex.slice(0, 4) + base32hex(bytes.subarray(2))), hex);
    }),
  );
});

describe('no text is the key of another', () => {
  for (const [what, text] of [
    ['base32 with bits left over', `${'e16957le1khtsuqgvogabd364qo74qbr'}3`],
    ['64 digits that repeat nothing', HEX + '0'.repeat(24)],
    ['a longer digest', 'ab'.repeat(33)],
  ] as const)
    test(`${what} is its own key`, () => {
      assert.equal(parseCcacheKey(text), text);
    });
});

for (const text of [
  '',
  'a',
  'A'.repeat(40),
  `${'a'.repeat(39)}/`,
  `${'a'.repeat(39)}.`,
  'é'.repeat(33),
  'a'.repeat(67),
])
  test(`${JSON.stringify(text)} is no key`, () => {
    assert.equal(parseCcacheKey(text), undefined);
  });
