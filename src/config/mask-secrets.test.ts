import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearerToken, secret, text } from './kinds.ts';
import { maskSecrets, secretNames } from './mask-secrets.ts';

const NAMES = ['token', 'secret_key', 'key', 'options'];

test('the names of secrets are the last parts of their keys', () => {
  const settings = {
    a: { key: 'auth.token', kind: bearerToken(), doc: '' },
    b: { key: 'secret_key', kind: secret(), doc: '' },
    c: { key: 'other.token', kind: secret(), doc: '' },
    d: { key: 'port', kind: text(), doc: '' },
  };
  assert.deepEqual(secretNames(settings), ['token', 'secret_key']);
  assert.deepEqual(secretNames({}), []);
});

test('what stands behind such a name is masked, whatever its form, and nothing else', () => {
  const cases: [string, string][] = [
    ['  token: hidden', '  token: ***'],
    ['token: "hid den, \\" }"  # why', 'token: ***  # why'],
    ["'token': 'hidden'", "'token': ***"],
    ['{ type: s3, secret_key: hidden, key: "hidden" }', '{ type: s3, secret_key: ***, key: *** }'],
    ['token: [hidden]', 'token: ***]'],
    ['token: hidden with blanks', 'token: ***'],
    ['token: "hidden', 'token: ***'],
    ['access-key: shown', 'access-key: shown'],
    ['tokens: shown', 'tokens: shown'],
    ['public_key: shown', 'public_key: shown'],
    ['token:', 'token:'],
    ['{ options: { a: hidden, b: "hid}den" }, port: 1 }', '{ options: ***, port: 1 }'],
    ['options: { a: ${A}, b: hidden }  # why', 'options: ***  # why'],
    ["options: { a: 'hid}den', b: hidden", 'options: ***'],
  ];
  for (const [line, masked] of cases) assert.equal(maskSecrets(line, NAMES), masked);
  assert.equal(maskSecrets('token: shown', []), 'token: shown');
});

test('a text of several lines is masked to its end', () => {
  const yaml = 'a:\n  token: |-\n    hidden\n\n    hidden\n  port: 1\n  key:\n    hidden\nb: 2';
  assert.equal(
    maskSecrets(yaml, NAMES),
    'a:\n  token: ***\n    ***\n\n    ***\n  port: 1\n  key:\n    ***\nb: 2',
  );
});

test('a map is masked to its end, on one line and on several', () => {
  const yaml = 'a:\n  options:\n    user: hidden\n    pass: "hidden"\n  port: 1';
  assert.equal(maskSecrets(yaml, NAMES), 'a:\n  options:\n    ***\n    ***\n  port: 1');
  const flow = 'a:\n  options: { user: hidden,\n    pass: hidden,\n  }\n  port: 1';
  assert.equal(maskSecrets(flow, NAMES), 'a:\n  options: ***\n    ***\n  }\n  port: 1');
});
