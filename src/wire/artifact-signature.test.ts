import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseArtifactSignature } from './artifact-signature.ts';

const bytes = fc.uint8Array({ minLength: 64, maxLength: 64 }).map((array) => Buffer.from(array));

test('a key id and 64 bytes are a signature, and it has one spelling', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9a-f]{16}$/), bytes, fc.stringMatching(/^[\w-]$/), (id, raw, last) => {
      const text = `${id}.${raw.toString('base64url')}`;
      assert.equal(parseArtifactSignature(text), text);
      const spelled = text.slice(0, -1) + last;
      const isSame = Buffer.from(spelled.slice(17), 'base64url').equals(raw);
      if (isSame && spelled !== text) assert.equal(parseArtifactSignature(spelled), undefined);
    }),
  );
});

test('any other text is none', () => {
  const good = `${'0'.repeat(16)}.${'A'.repeat(86)}`;
  assert.ok(parseArtifactSignature(good));
  const wrong = [
    '',
    '.',
    good.slice(1),
    `${good}A`,
    `${good}\n`,
    `${good}=`,
    good.replace('.', '-'),
    good.replace('0', 'A'),
  ];
  for (const text of wrong) assert.equal(parseArtifactSignature(text), undefined, text);
});
