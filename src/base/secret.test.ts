import assert from 'node:assert/strict';
import { test } from 'node:test';
import { format, inspect } from 'node:util';
import { Secret } from './secret.ts';

const VALUE = 'correct horse battery staple';

test('no way of turning a secret into text gives its value', () => {
  const secret = new Secret(VALUE);
  const texts = [
    String(secret),
    `${secret}`,
    JSON.stringify(secret),
    JSON.stringify({ nested: [secret] }),
    inspect(secret),
    inspect({ nested: [secret] }, { showHidden: true, depth: null }),
    inspect(secret, { customInspect: false, showHidden: true }),
    format('%s %o %O %j', secret, secret, secret, secret),
    JSON.stringify(Object.entries(secret)),
    JSON.stringify(structuredClone({ ...secret })),
  ];
  for (const text of texts) assert.ok(!text.includes(VALUE), text);
});

test('a secret shows where it stands as three asterisks', () => {
  assert.equal(String(new Secret(VALUE)), '***');
  assert.equal(JSON.stringify({ token: new Secret(VALUE) }), '{"token":"***"}');
});

test('a secret is revealed to who asks for it', () => {
  assert.equal(new Secret(VALUE).reveal(), VALUE);
});
