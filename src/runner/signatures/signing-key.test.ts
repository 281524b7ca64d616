import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import {
  maskPrivateKeys,
  PublicKey,
  privateKeyRefusal,
  publicKeyRefusal,
  SigningKey,
} from './signing-key.ts';

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
const base64url = (hex: string): string => Buffer.from(hex, 'hex').toString('base64url');

test('a key is the one of RFC 8032 §7.1, test 2', () => {
  const key = SigningKey.parse(
    `ed25519-private:${base64url('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb')}`,
  );
  assert.ok(key);
  assert.equal(
    key.publicKey.text,
    `ed25519:${base64url('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')}`,
  );
  assert.equal(
    key.sign('r').toString('hex'),
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  );
});

test('a key of any seed reads back from its text, and its public key from its own', () => {
  fc.assert(
    fc.property(seeds, fc.string(), (seed, text) => {
      const written = `ed25519-private:${seed.toString('base64url')}`;
      const key = SigningKey.parse(written);
      assert.equal(key?.text.reveal(), written);
      const publicKey = PublicKey.parse(key.publicKey.text);
      assert.equal(publicKey?.id, key.publicKey.id);
      assert.ok(publicKey.verifies(text, key.sign(text)));
      assert.ok(!publicKey.verifies(`${text}.`, key.sign(text)));
    }),
  );
});

test('a text that is altered in any place is no key, or another one', () => {
  const letters = fc.oneof(fc.stringMatching(/^[ -~]$/), fc.constantFrom('', '=', '\n'));
  fc.assert(
    fc.property(fc.nat({ max: 52 }), fc.nat({ max: 1 }), letters, (at, cut, put) => {
      const { text } = SigningKey.generate().publicKey;
      const altered = text.slice(0, at) + put + text.slice(at + cut);
      const read = PublicKey.parse(altered);
      if (read !== undefined) assert.equal(read.text, altered);
    }),
  );
});

test('each new key is another', () => {
  const ids = Array.from({ length: 20 }, () => SigningKey.generate().publicKey.id);
  assert.equal(new Set(ids).size, 20);
});

describe('a private key is never printed', () => {
  const key = SigningKey.generate();
  const secret = key.text.reveal().slice('ed25519-private:'.length);
  test('by whatever turns it into text', () => {
    for (const shown of [
      inspect(key, { depth: 9, showHidden: true }),
      JSON.stringify({ key }),
      `${key.text}`,
    ])
      assert.ok(!shown.includes(secret), shown);
  });

  test('by why it is none', () => {
    for (const text of [
      `${key.text.reveal()}x`,
      secret,
      ` ${key.text.reveal()}`,
      key.text.reveal().slice(0, -1),
    ])
      assert.ok(!privateKeyRefusal(text)?.includes(secret.slice(0, 20)));
    assert.match(
      publicKeyRefusal(key.text.reveal()) ?? '',
      /^a private key stands where a public one belongs/,
    );
    assert.ok(!publicKeyRefusal(key.text.reveal())?.includes(secret));
  });

  test('in a text that is masked', () => {
    const text = `found "${key.text.reveal()}", and ${key.publicKey.text}`;
    assert.equal(maskPrivateKeys(text), `found "ed25519-private:***", and ${key.publicKey.text}`);
  });
});

test('a key is refused with what was expected, a public one for a private one with its place', () => {
  const key = SigningKey.generate();
  assert.equal(privateKeyRefusal(key.text.reveal()), undefined);
  assert.equal(publicKeyRefusal(key.publicKey.text), undefined);
  assert.match(
    privateKeyRefusal(key.publicKey.text) ?? '',
    /^a public key stands where a private one belongs/,
  );
  assert.match(privateKeyRefusal('') ?? '', /^expected a private key.*ed25519-private: and 43 letters$/);
  assert.match(publicKeyRefusal('') ?? '', /^expected a public key.*ed25519: and 43 letters$/);
});
