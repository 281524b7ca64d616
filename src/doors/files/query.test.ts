import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VelocityError } from '../../base/errors.ts';
import { Query, refuseParameters } from './query.ts';

function parse(text: string): Query {
  return Query.parse(text, ['flag'], ['value', 'other'], new Map([['worth', 'value']]));
}

test('whatever is sent is read as its parameters, or refused as a bad request', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'flag',
      'value',
      'worth',
      'sig',
      '=',
      '&',
      '%',
      '%2',
      '%ff',
      '%00',
      '+',
      '1',
      'true',
      '__proto__',
    ),
    fc.string({ maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      try {
        for (const name of parse(pieces.join('')).names()) assert.match(name, /^(flag|value|other)$/);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'BAD_REQUEST');
      }
    }),
    { numRuns: 2000 },
  );
});

test('a value reads back as what a form would send', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      assert.equal(parse(String(new URLSearchParams({ value }))).get('value'), value.toWellFormed());
      assert.equal(parse(`other=&value=${encodeURIComponent(value)}`).get('value'), value);
    }),
  );
});

test('a flag is set by its name, 1 or true, and 0 or false is as good as leaving it out', () => {
  for (const text of ['flag', 'flag=', 'flag=1', 'flag=true', 'flag=TRUE', '&flag&', 'fl%61g'])
    assert.equal(parse(text).has('flag'), true, text);
  for (const text of ['', '&', 'flag=0', 'flag=false', 'flag=False'])
    assert.deepEqual(parse(text).names(), []);
  for (const text of ['flag=yes', 'flag=2', 'flag=%20'])
    assert.throws(() => parse(text), { code: 'BAD_REQUEST', field: 'flag' });
});

test('a name that is unknown is refused with the one that was meant', () => {
  assert.throws(() => parse('vlaue=1'), {
    code: 'BAD_REQUEST',
    field: 'vlaue',
    message: /did you mean "value"/,
  });
  assert.throws(() => parse('wort=1'), { message: /did you mean "worth"/ });
  for (const text of ['Flag', 'constructor', '__proto__=1', '=1'])
    assert.throws(() => parse(text), { code: 'BAD_REQUEST' });
});

test('a parameter that is given twice is refused, by another spelling and where a flag is not set, too', () => {
  for (const text of [
    'value=1&value=1',
    'value=1&worth=1',
    'flag&flag',
    'flag=0&flag=1',
    'value=1&v%61lue=2',
  ])
    assert.throws(() => parse(text), { code: 'BAD_REQUEST', message: /given twice/ });
});

test('the signature of a presigned URL is not looked at, and nothing else is let pass where nothing is expected', () => {
  assert.deepEqual(parse('sig=a&sig=b').names(), []);
  refuseParameters('');
  refuseParameters('sig=a');
  assert.throws(() => refuseParameters('recursive=true'), { code: 'BAD_REQUEST', field: 'recursive' });
});

test('a number is digits alone, within its bounds', () => {
  fc.assert(
    fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (value) => {
      assert.equal(parse(`value=${value}`).integer('value', 0), value);
    }),
  );
  assert.equal(parse('').integer('value', 1), undefined);
  for (const text of ['', '-1', '%2B1', '1.0', '1e3', ' 1', '0x1', '9007199254740992', '99999999999999999'])
    assert.throws(() => parse(`value=${text}`).integer('value', 0), { code: 'BAD_REQUEST', field: 'value' });
  assert.throws(() => parse('value=0').integer('value', 1), { message: /from 1 on/ });
  assert.throws(() => parse('value=11').integer('value', 1, 10), { message: /from 1 to 10/ });
});

test('what is not UTF-8 in percent-encoding is refused', () => {
  for (const text of ['value=%', 'value=%zz', 'value=%ff', '%c3=1', 'value=%ed%a0%80'])
    assert.throws(
      () => parse(text),
      (error) => error instanceof VelocityError && error.field === 'query',
    );
});
