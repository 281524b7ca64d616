import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dateIn, fieldsOf, response } from '../../test/rig/heads.ts';
import { RFC_POLICY } from './policy.ts';
import { storedFacts } from './stored-facts.ts';
import { selectVariant, type Variant, variantOf } from './variants.ts';
import { secondaryKey, variesOn } from './vary.ts';

function variant(asked: readonly string[], answer: readonly string[]): Variant {
  const head = response([`Date: ${dateIn(0)}`, ...answer]);
  return variantOf(storedFacts(head, RFC_POLICY), fieldsOf(...asked), head.fields, RFC_POLICY);
}

/** Whether a response to the first request, which varies on `vary`, answers the second. */
function isSame(vary: string, first: readonly string[], second: readonly string[], strict = false): boolean {
  const policy = { ...RFC_POLICY, matchesLanguages: !strict };
  const head = response([`Vary: ${vary}`]);
  const one = variantOf(storedFacts(head, policy), fieldsOf(...first), head.fields, policy);
  return selectVariant([one], fieldsOf(...second), policy) !== undefined;
}

test('the names of Vary are a set, over all lines and in any case', () => {
  assert.deepEqual(variesOn(fieldsOf('Vary: Foo, bar', 'vary: FOO,, ')), ['bar', 'foo']);
  assert.deepEqual(variesOn([]), []);
});

test('a star anywhere, or what is no name, is everything', () => {
  for (const vary of ['*', 'a, *', '*, a', ', *', 'a b', '"a"', 'a;b'])
    assert.equal(variesOn(fieldsOf(`Vary: ${vary}`)), 'everything', vary);
});

test('a response answers requests that say the same in the fields it varies on', () => {
  assert.equal(isSame('Foo', ['Foo: 1', 'Other: 2'], ['foo: 1', 'Other: 3']), true);
  assert.equal(isSame('Foo', ['Foo: 1'], ['Foo: 2']), false);
  assert.equal(isSame('Foo, Bar', ['Foo: 1', 'Bar: a'], ['Bar: a', 'Foo: 1']), true);
  assert.equal(isSame('Foo, Bar', ['Foo: 1', 'Bar: a'], ['Foo: 1', 'Bar: ab']), false);
});

test('a field that is not there differs from one that is, even from an empty one', () => {
  assert.equal(isSame('Foo', [], []), true);
  assert.equal(isSame('Foo', [], ['Foo: 1']), false);
  assert.equal(isSame('Foo', ['Foo: 1'], []), false);
  assert.equal(isSame('Foo', [], ['Foo:']), false);
});

test('lists are the same whatever lines and space they are written with', () => {
  assert.equal(isSame('Foo', ['Foo: 1,2'], ['Foo:  1 ,  2 ']), true);
  assert.equal(isSame('Foo', ['Foo: 1, 2'], ['Foo: 1', 'Foo: 2']), true);
  assert.equal(isSame('Foo', ['Foo: 1, 2'], ['Foo: 2, 1']), false);
  assert.equal(isSame('Foo', ['Foo: "1, 2"'], ['Foo: "1,2"']), false);
});

test('what is no list is compared as it is', () => {
  assert.equal(isSame('Cookie', ['Cookie: a=1,2'], ['Cookie: a=1, 2']), false);
  assert.equal(isSame('User-Agent', ['User-Agent: (X, Y)'], ['User-Agent: (X,Y)']), false);
});

test('preferences are the same in any order, case and spelling of their weights', () => {
  assert.equal(
    isSame('Accept-Encoding', ['Accept-Encoding: gzip, br;q=1.0'], ['Accept-Encoding: BR , GZIP']),
    true,
  );
  assert.equal(
    isSame('Accept-Encoding', ['Accept-Encoding: gzip;q=0.50'], ['Accept-Encoding: gzip ; q=0.5']),
    true,
  );
  assert.equal(isSame('Accept-Encoding', ['Accept-Encoding: gzip;q=0'], ['Accept-Encoding: gzip']), false);
  assert.equal(isSame('Accept-Language', ['Accept-Language: en, de'], ['Accept-Language: DE,En']), true);
});

test('an operator whose origin goes by the order of languages can have it count', () => {
  assert.equal(
    isSame('Accept-Language', ['Accept-Language: en, de'], ['Accept-Language: de, en'], true),
    false,
  );
  assert.equal(
    isSame('Accept-Language', ['Accept-Language: en, de'], ['Accept-Language: EN,de'], true),
    true,
  );
});

test('a response in the language that is wanted most answers, whatever was asked for when it came', () => {
  const german = variant(['Accept-Language: en, de'], ['Vary: Accept-Language', 'Content-Language: DE']);
  const select = (line: string, policy = RFC_POLICY) => selectVariant([german], fieldsOf(line), policy);
  assert.equal(select('Accept-Language: fr;q=0.5, de;q=1.0'), german);
  assert.equal(select('Accept-Language: fr, de;q=0.5'), undefined);
  assert.equal(select('Accept-Language: fr, de'), undefined);
  assert.equal(select('Accept-Language: de', { ...RFC_POLICY, matchesLanguages: false }), undefined);
});

test('but only if all else that it varies on is the same', () => {
  const german = variant(
    ['Accept-Language: en, de', 'Foo: 1'],
    ['Vary: Accept-Language, Foo', 'Content-Language: de'],
  );
  assert.equal(selectVariant([german], fieldsOf('Accept-Language: de', 'Foo: 1'), RFC_POLICY), german);
  assert.equal(selectVariant([german], fieldsOf('Accept-Language: de', 'Foo: 2'), RFC_POLICY), undefined);
});

test('what varies on everything answers nothing', () => {
  assert.equal(isSame('*', ['Foo: 1'], ['Foo: 1']), false);
});

test('of several that match the youngest answers', () => {
  const older = variant(['Foo: 1'], ['Vary: Foo']);
  const younger = variant([], [`Date: ${dateIn(5)}`]);
  const [first, second] = [
    older,
    { ...younger, facts: { ...younger.facts, dateAt: older.facts.dateAt + 1 } },
  ];
  assert.equal(selectVariant([first, second], fieldsOf('Foo: 1'), RFC_POLICY), second);
  assert.equal(selectVariant([second, first], fieldsOf('Foo: 1'), RFC_POLICY), second);
});

test('a key has a member for each name, and is its own equal', () => {
  const lines = fc.array(
    fc.tuple(fc.constantFrom('Foo', 'Accept-Encoding', 'Accept-Language', 'Cookie'), fc.string()),
  );
  const vary = ['accept-encoding', 'accept-language', 'cookie', 'foo'];
  fc.assert(
    fc.property(lines, (pairs) => {
      const key = secondaryKey(vary, pairs.flat(), RFC_POLICY);
      assert.equal(key.length, vary.length);
      const again = pairs.flatMap(([name, value]) => [name.toUpperCase(), value]);
      assert.deepEqual(secondaryKey(vary, again, RFC_POLICY), key);
    }),
  );
});
