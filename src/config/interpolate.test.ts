import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { interpolate, variablesIn } from './interpolate.ts';

const ENV = { SET: 'value', EMPTY: '', DOLLARS: '$$ $& ${SET}' };

function fill(text: string): string {
  const { text: filled, mistakes } = interpolate(text, ENV);
  assert.deepEqual(mistakes, []);
  return filled;
}

test('a reference is replaced by the value of its variable', () => {
  assert.equal(fill('a-${SET}-b-${SET}'), 'a-value-b-value');
});

test('a default stands in for a variable that is not set or empty, and may itself be empty', () => {
  assert.equal(fill('${SET:-other}|${UNSET:-other}|${EMPTY:-other}|${UNSET:-}'), 'value|other|other|');
});

test('a default may hold anything but a closing brace or a reference', () => {
  assert.equal(fill('${UNSET:-http://host:80/a b?c=$d:-e}'), 'http://host:80/a b?c=$d:-e');
});

test('a variable without value and default is empty and is named', () => {
  assert.deepEqual(interpolate('${UNSET}/${OTHER}/${EMPTY}', ENV), {
    text: '//',
    unset: ['UNSET', 'OTHER'],
    mistakes: [],
  });
});

test('a variable that must be set and is not, or is empty, is a mistake in the words of the file', () => {
  const { mistakes } = interpolate('${UNSET:?the token of the cache} ${EMPTY:?} ${SET:?unused}', ENV);
  assert.deepEqual(mistakes, ['UNSET must be set: the token of the cache', 'EMPTY must be set']);
});

test('a brace that opens no reference of a known form is a mistake and stays as it is', () => {
  for (const text of [
    '${}',
    '${1}',
    '${a b}',
    '${SET-x}',
    '${SET:+x}',
    '${#SET}',
    '${:-x}',
    '${SET',
    '${SET:-x',
  ]) {
    const { text: filled, mistakes } = interpolate(text, ENV);
    assert.equal(filled, text);
    assert.equal(mistakes.length, 1, text);
    assert.ok(mistakes[0]?.startsWith(`"${text}" is not`), mistakes[0]);
  }
});

test('a reference within a default is a mistake, for it would end at the wrong brace', () => {
  for (const text of ['${UNSET:-${SET}}', '${SET:-${UNSET}}']) {
    assert.equal(interpolate(text, ENV).mistakes.length, 1, text);
  }
});

test('a dollar sign that opens no brace is left to the shell', () => {
  assert.equal(fill('echo $1 $SET $(date) $? cost: 5$'), 'echo $1 $SET $(date) $? cost: 5$');
});

test('the variables of a text are those that decide what it reads as', () => {
  assert.deepEqual(variablesIn('${B} $$${A:-x} ${B} $C $(D) $${E} ${F:?must} ${} ${unclosed'), [
    'B',
    'A',
    'F',
  ]);
});

test('a name every object has is not a variable', () => {
  for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    for (const env of [ENV, process.env]) {
      assert.deepEqual(interpolate(`\${${name}}`, env), { text: '', unset: [name], mistakes: [] });
    }
  }
});

const texts = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom('$', '{', '}', 'A', ':', '-', '?', '\n', ' ') }),
);

test('any text with its dollar signs doubled reads as that text', () => {
  fc.assert(
    fc.property(texts, (text) => {
      assert.equal(fill(text.replaceAll('$', '$$$$')), text);
    }),
  );
});

test('a value is put in as it is and not read again', () => {
  assert.equal(fill('${DOLLARS}'), ENV.DOLLARS);
  fc.assert(
    fc.property(texts, texts, (value, around) => {
      const literal = around.replaceAll('$', '$$$$');
      const { text } = interpolate(`${literal}\${A}${literal}`, { A: value });
      assert.equal(text, around + value + around);
    }),
  );
});

/** Pieces of a text, each with what it reads as where A is `x` and U is not set. */
const pieces: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  texts.map((text) => text.replaceAll('$', '')).map((text) => [text, text] as const),
  fc.constantFrom(
    ['$$', '$'] as const,
    ['${A}', 'x'] as const,
    ['${U}', ''] as const,
    ['${A:-d}', 'x'] as const,
    ['${U:-{d$}', '{d$'] as const,
    ['${A:?m}', 'x'] as const,
  ),
);

test('what a text reads as is what its pieces read as, one after the other', () => {
  fc.assert(
    fc.property(fc.array(pieces), (all) => {
      const { text, mistakes } = interpolate(all.map(([written]) => written).join(''), { A: 'x' });
      assert.deepEqual(mistakes, []);
      assert.equal(text, all.map(([, meaning]) => meaning).join(''));
    }),
  );
});

test('no text makes it throw', () => {
  fc.assert(fc.property(texts, (text) => assert.equal(typeof interpolate(text, { A: 'x' }).text, 'string')));
});
