import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { digestOf } from '../base/digest.ts';
import { maskTokens, newToken } from './token.ts';

test('a token says its id, holds 32 random bytes, and is kept as the digest of its whole text', () => {
  for (let round = 0; round < 200; round++) {
    const { id, token, sha256 } = newToken();
    const [, inToken, secret] = /^vc_([a-z0-9]+)_(.+)$/.exec(token.reveal()) ?? [];
    assert.equal(inToken, id);
    assert.equal(Buffer.from(secret ?? '', 'base64url').length, 32);
    assert.equal(sha256, digestOf(token.reveal()));
  }
});

test('no two tokens share an id or a secret', () => {
  const tokens = Array.from({ length: 200 }, newToken);
  assert.equal(new Set(tokens.map(({ id }) => id)).size, 200);
  assert.equal(new Set(tokens.map(({ token }) => token.reveal().split('_').slice(2).join('_'))).size, 200);
});

test('a token does not show itself when it is printed', () => {
  const made = newToken();
  assert.ok(!inspect(made).includes(made.token.reveal()));
  assert.ok(!JSON.stringify(made).includes(made.token.reveal()));
});

test('a text that quotes a token loses its secret and keeps its id', () => {
  for (let round = 0; round < 200; round++) {
    const { id, token } = newToken();
    assert.equal(maskTokens(`found "${token.reveal()}", odd`), `found "vc_${id}_***", odd`);
  }
  assert.equal(maskTokens('vc_short and VC_AUTH_TOKEN'), 'vc_short and VC_AUTH_TOKEN');
});
