import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SigningKey } from '../signatures/signing-key.ts';
import { withoutPrivateKeys } from './without-private-keys.ts';

const POSITION = { file: 'velocity.yml', line: 3, column: 5, length: 2 };
const KEY = SigningKey.generate().text.reveal();

test('a file that writes no private key out keeps its mistakes’ places, to be shown', () => {
  for (const line of [
    'private_key: ${VELOCITY_SIGNING_KEY:-}',
    'private_key: "${KEY}"',
    'private_key:',
    '',
  ]) {
    const mistake = { message: 'unknown key "x"', position: POSITION };
    assert.deepEqual(withoutPrivateKeys(`remote:\n  ${line}\n`, [mistake]), [mistake], line);
  }
});

test('beside a private key, or what stands for one, mistakes tell their place and show no line', () => {
  for (const line of [
    `private_key: ${KEY}`,
    'private_key: "c2VjcmV0"',
    "{ 'private_key': c2VjcmV0 }",
    `key: ${KEY}`,
  ]) {
    const mistake = { message: 'unknown key "x"', position: POSITION };
    assert.deepEqual(
      withoutPrivateKeys(`remote:\n  ${line}\n`, [mistake]),
      [{ message: 'unknown key "x"', source: 'velocity.yml:3:5' }],
      line,
    );
  }
});

test('a private key that came by a variable is masked in the message', () => {
  assert.deepEqual(withoutPrivateKeys('', [{ message: `found "${KEY}"` }]), [
    { message: 'found "ed25519-private:***"' },
  ]);
});
