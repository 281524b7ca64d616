import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { globMatches } from './glob.ts';

test('a star is any text, all else itself', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '?', '+'), maxLength: 12 });
  const glob = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '?', '+', '*'), maxLength: 6 });
  fc.assert(
    fc.property(glob, text, (pattern, target) => {
      const escaped = pattern.split('*').map(RegExp.escape).join('.*');
      assert.equal(globMatches(pattern, target), new RegExp(`^${escaped}$`).test(target));
    }),
    { numRuns: 2_000 },
  );
});

test('many stars take no longer than few', () => {
  assert.equal(globMatches('*a'.repeat(1_000), `${'a'.repeat(100_000)}b`), false);
});
