import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Glob } from './glob.ts';

const MATCHES: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['?', '', false],
  ['?', 'a', true],
  ['/blog/*', '/blog/', true],
  ['/blog/*', '/blog', false],
  ['*.png', '/a.png', true],
  ['*.png', '/a.png?x', false],
  ['/a?b', '/a/b', true],
  ['/a\\?b', '/a/b', false],
  ['/a\\?b', '/a?b', true],
  ['\\*', 'x', false],
  ['\\*\\\\', '*\\', true],
  ['a**b', 'ab', true],
  ['image/*', 'IMAGE/png', false],
  ['/caf?', '/caf\u00e9', true],
  ['/cafe', '/caf\u00e9', false],
  ['/?', '/\u20ac', true],
];

for (const [pattern, text, matches] of MATCHES)
  test(`«${pattern}» ${matches ? 'matches' : 'does not match'} «${text}»`, () => {
    assert.equal(new Glob(pattern).matches(text), matches);
  });

/** Tries every way, by the definition alone. */
function matchesNaively(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  if (pattern[0] === '*')
    return matchesNaively(pattern.slice(1), text) || (text !== '' && matchesNaively(pattern, text.slice(1)));
  if (text === '') return false;
  if (pattern[0] === '?') return matchesNaively(pattern.slice(1), text.slice(1));
  const width = pattern[0] === '\\' ? 2 : 1;
  return pattern[width - 1] === text[0] && matchesNaively(pattern.slice(width), text.slice(1));
}

/** Few letters, so that much matches. */
const few = fc.constantFrom('a', 'b');
const patterns = fc
  .array(fc.oneof({ weight: 3, arbitrary: few }, fc.constantFrom('*', '?', '\\*', '\\?', '\\\\')), {
    maxLength: 12,
  })
  .map((parts) => parts.join(''));
const texts = fc.string({ unit: fc.oneof(few, fc.constantFrom('*', '?', '\\')), maxLength: 14 });

test('a glob says what trying every way says', () => {
  fc.assert(
    fc.property(patterns, texts, (pattern, text) => {
      assert.equal(new Glob(pattern).matches(text), matchesNaively(pattern, text));
    }),
    { numRuns: 2_000 },
  );
});

test('a pattern of more characters than a word has bits says the same as a short one', () => {
  fc.assert(
    fc.property(patterns, texts, fc.integer({ min: 25, max: 140 }), (pattern, text, length) => {
      const long = 'a'.repeat(length);
      const expected = matchesNaively(pattern, text);
      assert.equal(new Glob(long + pattern).matches(long + text), expected);
      assert.equal(
        new Glob(pattern + long).matches(text + long),
        matchesNaively(pattern + long, text + long),
      );
      assert.equal(new Glob('?'.repeat(length) + pattern).matches(long + text), expected);
    }),
  );
  for (const length of [30, 31, 32, 33, 63, 64, 65]) {
    const text = 'a'.repeat(length);
    assert.ok(new Glob(`${text}*`).matches(`${text}b`), String(length));
    assert.ok(new Glob(text).matches(text), String(length));
    assert.ok(!new Glob(text).matches(`${text}a`), String(length));
    assert.ok(!new Glob(text).matches(text.slice(1)), String(length));
  }
});

test('a pattern that makes matchers go back takes no longer than another', () => {
  const hostile = new Glob(`${'*a'.repeat(500)}*b`);
  const started = performance.now();
  assert.equal(hostile.matches('a'.repeat(100_000)), false);
  // It takes some 10 ms; going back from each `*` would take longer than anybody has.
  assert.ok(performance.now() - started < 2_000);
});
