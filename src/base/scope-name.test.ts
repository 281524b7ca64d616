import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isScopeName } from './scope-name.ts';

test('a name can be a part of an object key, and no two names are one on any backend', () => {
  for (const name of ['a', '0', 'main', 'pr-7', 'acme.web_1', 'a'.repeat(64), 'a..b', 'a-']) {
    assert.ok(isScopeName(name), name);
  }
  const refused = ['', '.', '..', 'a.', '-a', '_a', '.a', 'A', 'a/b', 'a\\b', 'a b', 'é', 'a\n', 'a%2f'];
  for (const name of [...refused, 'a'.repeat(65)]) assert.ok(!isScopeName(name), JSON.stringify(name));
});
