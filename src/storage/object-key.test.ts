import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asObjectKey, keyRefusal, parseObjectKey } from './object-key.ts';

const texts = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme', maxLength: 600 }),
  fc.string({ unit: fc.constantFrom('a', '/', '.', '\\', '\0', '\x7f', '\ud800') }),
);

test('a key that is accepted keeps every promise of its type', () => {
  fc.assert(
    fc.property(texts, (text) => {
      if (keyRefusal(text) !== undefined) return;
      const bytes = Buffer.from(text);
      assert.ok(bytes.length >= 1 && bytes.length <= 1024);
      assert.equal(bytes.toString(), text, 'it survives UTF-8');
      assert.ok(bytes.every((byte) => byte > 0x1f && byte !== 0x7f && byte !== 0x5c));
      assert.ok(text.split('/').every((segment) => !['', '.', '..'].includes(segment)));
    }),
    { numRuns: 1000 },
  );
});

test('a key is refused for a reason that can be told, or is taken as it is', () => {
  fc.assert(
    fc.property(texts, (text) => {
      if (keyRefusal(text) === undefined) {
        assert.deepEqual([parseObjectKey(text), asObjectKey(text)], [text, text]);
      } else {
        assert.throws(() => parseObjectKey(text), { code: 'INVALID_KEY', field: 'key' });
        assert.equal(asObjectKey(text), undefined);
      }
    }),
  );
});

test('names of any script and with dots in them are keys', () => {
  for (const text of ['a', 'objects/8f4b', '.hidden', '...', 'a..b', '日本語/🚀', ' ', 'C:', '%2e%2e', 'ü']) {
    assert.equal(keyRefusal(text), undefined, text);
  }
});

test('what could reach outside, be cut short or be unreadable is no key', () => {
  const refused = [
    '',
    '/',
    '/a',
    'a/',
    'a//b',
    '.',
    '..',
    '../a',
    'a/../b',
    'a/.',
    'a\\b',
    'a\0',
    'a\nb',
    'a\x7f',
    '\ud800',
    'a\udc00b',
  ];
  for (const text of refused) assert.notEqual(keyRefusal(text), undefined, JSON.stringify(text));
});

test('the length of a key counts in bytes of UTF-8', () => {
  assert.equal(keyRefusal('k'.repeat(1024)), undefined);
  assert.notEqual(keyRefusal('k'.repeat(1025)), undefined);
  assert.equal(keyRefusal('é'.repeat(512)), undefined);
  assert.notEqual(keyRefusal(`${'é'.repeat(512)}k`), undefined);
});
