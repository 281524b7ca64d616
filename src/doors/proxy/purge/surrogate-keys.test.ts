import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isSurrogateKey, MAX_SURROGATE_KEYS, surrogateKeys } from './surrogate-keys.ts';

function keys(...fields: string[]): string[] | undefined {
  const found = surrogateKeys(fields);
  return found && [...found];
}

test('keys are separated by spaces, tags by commas, and all lines count', () => {
  assert.deepEqual(keys(), []);
  assert.deepEqual(keys('Surrogate-Key', ' a  b\tc,d ', 'surrogate-key', 'e'), ['a', 'b', 'c,d', 'e']);
  assert.deepEqual(keys('Cache-Tag', 'a, b c,,d ,', 'cache-tag', 'A'), ['a', 'b c', 'd', 'A']);
  assert.deepEqual(keys('Cache-Tag', 'a,b', 'Surrogate-Key', 'b c'), ['b', 'c', 'a']);
  assert.deepEqual(keys('Surrogate-Control', 'max-age=1'), []);
});

test('of a response with more than can be kept nothing is taken, rather than a part', () => {
  const many = (count: number) => Array.from({ length: count }, (_, at) => at.toString(36));
  assert.equal(keys('Surrogate-Key', many(MAX_SURROGATE_KEYS).join(' '))?.length, MAX_SURROGATE_KEYS);
  assert.equal(keys('Surrogate-Key', many(MAX_SURROGATE_KEYS + 1).join(' ')), undefined);
  assert.equal(keys('Surrogate-Key', many(600).join(' '), 'Cache-Tag', many(600).join(','))?.length, 600);
  assert.equal(keys('Cache-Tag', 'x'.repeat(1_024))?.length, 1);
  assert.equal(keys('Cache-Tag', 'x'.repeat(1_025)), undefined);
  assert.equal(keys('Cache-Tag', `a${' '.repeat(16_384)}`), undefined);
});

test('whatever key a purge may name can be given to a response, and is found in it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 }), (text) => {
      const found = [...(keys('Cache-Tag', text) ?? []), ...(keys('Surrogate-Key', text) ?? [])];
      assert.equal(isSurrogateKey(text), found.includes(text));
    }),
    { numRuns: 1_000 },
  );
  for (const text of ['', 'a ,b', ' a', 'a ', 'a\tb', 'caf\u00e9', 'x'.repeat(1_025)])
    assert.equal(isSurrogateKey(text), false, text);
});
