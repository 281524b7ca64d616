import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf } from '../../test/rig/heads.ts';
import { favourite, preferences } from './preferences.ts';

function read(value: string) {
  return preferences(fieldsOf(`Accept-Language: ${value}`), 'accept-language');
}

test('a member has its weight, and without one is wanted fully', () => {
  assert.deepEqual(read('EN , de ; Q=0.5, fr;q=1.000'), [
    { value: 'en', weight: 1 },
    { value: 'de', weight: 0.5 },
    { value: 'fr', weight: 1 },
  ]);
});

test('what is no weight makes another value', () => {
  assert.deepEqual(read('de;q=2'), [{ value: 'de;q=2', weight: 1 }]);
});

test('the favourite is wanted more than all others', () => {
  assert.deepEqual(
    ['fr;q=0.5, de', 'de, de', 'en, de', 'en;q=0', ''].map((value) => favourite(read(value))),
    ['de', 'de', undefined, undefined, undefined],
  );
});

test('preferences take time in proportion to their length', () => {
  assert.equal(read(`a${' '.repeat(500_000)}b`).length, 1);
  assert.equal(read('a;'.repeat(200_000)).length, 1);
});
