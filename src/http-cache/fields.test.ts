import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldsOf } from '../../test/rig/heads.ts';
import { fieldLines, fieldNames, fieldValue, hasField, withField, withoutFields } from './fields.ts';

const SOME = fieldsOf('Vary: Accept', 'ETag: "1"', 'vary: Foo');

test('names are found in any case, and lines of one name are one list in their order', () => {
  assert.deepEqual(fieldLines(SOME, 'vary'), ['Accept', 'Foo']);
  assert.equal(fieldValue(SOME, 'vary'), 'Accept, Foo');
  assert.equal(hasField(SOME, 'etag'), true);
});

test('a field that is not there has no value, and an empty one has an empty value', () => {
  assert.equal(fieldValue(SOME, 'age'), undefined);
  assert.equal(fieldValue(fieldsOf('Age:'), 'age'), '');
});

test('a field that is set takes the place of all its lines', () => {
  assert.deepEqual(withField(SOME, 'Vary', 'Bar'), fieldsOf('ETag: "1"', 'Vary: Bar'));
});

test('what is taken away is gone, and the rest is as it was', () => {
  const names = fc.constantFrom('A', 'a', 'B', 'Content-Type', 'x-y');
  const fields = fc.array(fc.tuple(names, fc.string())).map((pairs) => pairs.flat());
  fc.assert(
    fc.property(fields, fc.subarray(['a', 'b', 'content-type', 'x-y']), (some, gone) => {
      const rest = withoutFields(some, new Set(gone));
      for (const name of gone) assert.equal(hasField(rest, name), false);
      for (const name of fieldNames(some))
        if (!gone.includes(name)) assert.deepEqual(fieldLines(rest, name), fieldLines(some, name));
    }),
  );
});

test('a name is found whatever it begins with', () => {
  const others = [..."!#$%&'*+-.^_`|~0Aaz"];
  const fields = others.flatMap((first) => [`${first}b`, first]);
  for (const first of others) {
    const values = others.filter((other) => other.toLowerCase() === first.toLowerCase());
    assert.deepEqual(fieldLines(fields, `${first.toLowerCase()}b`), values);
    assert.equal(fieldValue(fields, `${first.toLowerCase()}b`), values.join(', '));
    assert.equal(hasField(fields, `${first.toLowerCase()}b`), true);
  }
  assert.equal(hasField(['\x7fb', 'a'], '_b'), false);
});
