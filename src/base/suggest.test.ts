import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { didYouMean, suggest } from './suggest.ts';

const KNOWN = ['depends_on', 'inputs', 'outputs', 'env', 'env_keys', 'cache', 'command'];

test('a name with letters added, left out, wrong or swapped is recognised', () => {
  const meant: [string, string][] = [
    ['dependsOnn', 'depends_on'],
    ['input', 'inputs'],
    ['ouptuts', 'outputs'],
    ['cahce', 'cache'],
    ['env-keys', 'env_keys'],
    ['comand', 'command'],
  ];
  for (const [typed, name] of meant) assert.equal(suggest(typed, KNOWN), name);
});

test('a name that is right but for its case is recognised', () => {
  assert.equal(suggest('INPUTS', KNOWN), 'inputs');
  assert.equal(suggest('build', ['BUILD']), 'BUILD');
});

test('a name that is like no other is not guessed at', () => {
  assert.equal(suggest('colour', KNOWN), undefined);
  assert.equal(suggest('port', ['host']), undefined);
  assert.equal(suggest('anything', []), undefined);
});

test('of several names that are near the nearest is meant', () => {
  assert.equal(suggest('env_key', KNOWN), 'env_keys');
  assert.equal(suggest('bulid', ['built', 'build']), 'build');
});

test('one letter of a longer name may always be wrong, wherever it stands', () => {
  const names = fc.stringMatching(/^[a-z]{3,20}$/);
  fc.assert(
    fc.property(names, fc.nat(), (name, seed) => {
      const at = seed % name.length;
      assert.equal(suggest(`${name.slice(0, at)}#${name.slice(at + 1)}`, [name]), name);
    }),
  );
});

test('the suggestion ends a sentence, or is nothing', () => {
  assert.equal(didYouMean('cach', KNOWN), ' (did you mean "cache"?)');
  assert.equal(didYouMean('colour', KNOWN), '');
});
