import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { scopedKey } from '../scoped-key.ts';
import { entryName, isWireitKey, keyOf } from './github-actions-key.ts';

const keys = fc.oneof(
  fc.string({ minLength: 1, maxLength: 60, unit: 'binary' }).filter((key) => key.isWellFormed()),
  fc.stringMatching(/^[A-Za-z0-9._|/~%-]{1,60}$/),
);

test('an entry’s name tells its key again', () => {
  fc.assert(fc.property(keys, (key) => assert.equal(keyOf(entryName('v', key)), key)));
});

test('names begin alike where keys do, and nowhere else', () => {
  fc.assert(
    fc.property(keys, keys, fc.boolean(), (one, other, joined) => {
      const longer = joined ? one + other : other;
      assert.equal(entryName('v', longer).startsWith(entryName('v', one)), longer.startsWith(one));
    }),
    { numRuns: 1000 },
  );
});

test('entries of two versions have nothing in common', () => {
  assert.notEqual(entryName('v1', 'key'), entryName('v2', 'key'));
  assert.ok(!entryName('v1', 'key').startsWith(entryName('v2', 'k').slice(0, -1)));
});

test('every name is an object key in the longest scope, whatever the client calls its key', () => {
  const longest = 'x'.repeat(64);
  fc.assert(
    fc.property(keys, fc.string({ minLength: 1, maxLength: 512 }), (key, version) => {
      const object = scopedKey(longest, longest, entryName(version, key));
      assert.match(
        object.slice(`tenants/${longest}/${longest}/`.length),
        /^github-actions\/[0-9a-f]{64}\/[A-Za-z0-9_~-]+$/,
      );
    }),
  );
  scopedKey(longest, longest, entryName('v', 'k'.repeat(512)));
  scopedKey(longest, longest, entryName('v', '/'.repeat(266)));
  for (const odd of ['.', '..', '../x', 'a/../../b', '\0', '\\'])
    assert.doesNotMatch(entryName('v', odd).slice('github-actions/'.length), /\.|\0|\\|\/.*\//);
});

test('a key that no object key can hold is refused', () => {
  for (const key of ['', 'k'.repeat(513), '漢'.repeat(200), '\ud800'])
    assert.throws(() => entryName('v', key), { code: 'BAD_REQUEST', field: 'key' });
  for (const version of ['', 'v'.repeat(513)])
    assert.throws(() => entryName(version, 'key'), { code: 'BAD_REQUEST', field: 'version' });
});

test('wireit’s keys are told from those of others, which may begin like them', () => {
  const hex = '0a'.repeat(32);
  assert.ok(isWireitKey(`wireit-${hex}`));
  for (const key of [`wireit-${hex}0`, `my-wireit-${hex}`, 'wireit-cache', `wireit-${hex.toUpperCase()}`])
    assert.ok(!isWireitKey(key), key);
});
