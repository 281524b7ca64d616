import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fromAzureName, toAzureName } from './metadata-names.ts';

const names = fc.string({ minLength: 1, unit: 'binary' }).filter((name) => name.isWellFormed());

test('every name becomes a C# identifier of small letters and comes back', () => {
  fc.assert(
    fc.property(fc.oneof(names, fc.stringMatching(/^[a-z0-9_-]{1,12}$/)), (name) => {
      const azureName = toAzureName(name);
      assert.match(azureName, /^[a-z_][a-z0-9_]*$/);
      assert.equal(fromAzureName(azureName), name);
    }),
  );
});

test('plain names are kept readable', () => {
  assert.equal(toAzureName('task'), 'task');
  assert.equal(toAzureName('duration-ms'), 'duration_2dms');
  assert.equal(toAzureName('7zip_x'), '_37zip_5fx');
});

test('names that another program gave are left as they are', () => {
  for (const name of ['my_name', 'my_address', '_7', 'trailing_', 'CamelCase', 'half_2', 'not_6eeded'])
    assert.equal(fromAzureName(name), name);
});
