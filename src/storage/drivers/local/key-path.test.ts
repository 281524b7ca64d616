import assert from 'node:assert/strict';
import { join, normalize } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { objectKeys } from '../../../../test/rig/arbitraries.ts';
import { type ObjectKey, parseObjectKey } from '../../object-key.ts';
import { keyFromText, keyToPath, meaningOf } from './key-path.ts';

/** The key that a path spells, name by name, as a listing reads it. */
function keyAt(path: string): ObjectKey | undefined {
  const names = path.split('/');
  let text = '';
  for (const [index, name] of names.entries()) {
    const meaning = meaningOf(name, index < names.length - 1);
    assert.ok(meaning, name);
    text += meaning.text + (meaning.kind === 'segment' ? '/' : '');
  }
  return keyFromText(text);
}

test('a path spells its key, name by name', () => {
  fc.assert(fc.property(objectKeys, (key) => assert.equal(keyAt(keyToPath(key)), key)));
});

test('different keys have different paths, and none is a folder on the way to another', () => {
  fc.assert(
    fc.property(objectKeys, objectKeys, (one, two) => {
      fc.pre(one !== two);
      const [pathOne, pathTwo] = [keyToPath(one), keyToPath(two)];
      assert.notEqual(pathOne, pathTwo);
      assert.ok(!`${pathTwo}/`.startsWith(`${pathOne}/`));
    }),
    { numRuns: 1000 },
  );
});

test('different keys have different paths where a file system folds case or normalizes letters', () => {
  fc.assert(
    fc.property(objectKeys, (key) => {
      assert.match(keyToPath(key), /^[a-z0-9%._/-]+$/);
    }),
  );
});

test('no name is longer than file systems take', () => {
  const longest = parseObjectKey('Ü'.repeat(512));
  fc.assert(
    fc.property(fc.oneof(objectKeys, fc.constant(longest)), (key) => {
      for (const name of keyToPath(key).split('/')) assert.ok(name.length >= 1 && name.length <= 255, name);
    }),
  );
});

test('a path never leaves the folder of the store', () => {
  fc.assert(
    fc.property(objectKeys, (key) => {
      const path = keyToPath(key);
      assert.equal(normalize(path), path);
      assert.ok(join('/store', path).startsWith('/store/'));
    }),
  );
});

test('paths are written as documented', () => {
  const paths: [string, string][] = [
    ['objects/8f4b', 'objects/8f4b.blob'],
    ['Team A/x.tgz', '%54eam%20%41/x%2etgz.blob'],
    ['k'.repeat(181), `${'k'.repeat(180)}.more/k.blob`],
    [`${'k'.repeat(179)}é`, `${'k'.repeat(179)}.more/%c3%a9.blob`],
  ];
  for (const [key, path] of paths) assert.equal(keyToPath(parseObjectKey(key)), path);
});

test('a name the store never writes has no meaning', () => {
  const names: [string, boolean][] = [
    ['README.txt', false],
    ['.blob', false],
    ['A.blob', false],
    ['a b.blob', false],
    ['a.blob.blob', false],
    ['%zz.blob', false],
    ['%2.blob', false],
    ['%C3.blob', false],
    ['%61.blob', false],
    ['a.blob', true],
    ['.more', true],
    ['.git', true],
    ['a.moremore', true],
  ];
  for (const [name, isDirectory] of names) assert.equal(meaningOf(name, isDirectory), undefined, name);
});

test('a name that means something is the one that is written for it', () => {
  const names = fc.string({
    unit: fc.constantFrom('a', '0', '%', '6', '1', 'c', '3', '.', '_'),
    maxLength: 9,
  });
  fc.assert(
    fc.property(names, (name) => {
      const meaning = meaningOf(`${name}.blob`, false);
      const key = meaning && keyFromText(meaning.text);
      if (key) assert.equal(keyToPath(key), `${name}.blob`);
    }),
    { numRuns: 2000 },
  );
});

test('bytes that are not UTF-8 spell no key', () => {
  assert.equal(keyFromText('\xff'), undefined);
  assert.equal(keyFromText('a\xc3'), undefined);
  assert.equal(keyFromText('\xc3\xa9'), 'é');
});
