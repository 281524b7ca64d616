import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CacheKey } from '../../base/cache-key.ts';
import { digestOf } from '../../base/digest.ts';
import { parseArtifactSignature } from '../../wire/artifact-signature.ts';
import { fits, keyIdOf, type SignedArtifact, signArtifact } from './artifact-signature.ts';
import { SigningKey } from './signing-key.ts';

const KEY = SigningKey.generate();
const OTHER = SigningKey.generate();

const names = fc.oneof(fc.constantFrom('main', 'pr-7', 'a', 'b'), fc.stringMatching(/^[a-z0-9]{1,8}$/));
const digests = fc.nat({ max: 9 }).map((seed) => digestOf(String(seed)));
const artifacts: fc.Arbitrary<SignedArtifact> = fc.record({
  tenant: names,
  scope: names,
  key: digests.map((digest) => digest as string as CacheKey),
  digest: digests,
  sizeBytes: fc.nat({ max: 3 }),
});

test('a signature fits what was signed, and is of the form that the gateway keeps', () => {
  fc.assert(
    fc.property(artifacts, (artifact) => {
      const signature = signArtifact(artifact, KEY);
      assert.equal(parseArtifactSignature(signature), signature);
      assert.equal(keyIdOf(signature), KEY.publicKey.id);
      assert.ok(fits(signature, artifact, KEY.publicKey));
      assert.ok(!fits(signature, artifact, OTHER.publicKey));
    }),
  );
});

test('a signature fits nothing that differs in tenant, scope, key, digest or size', () => {
  fc.assert(
    fc.property(
      artifacts,
      artifacts,
      fc.constantFrom('tenant', 'scope', 'key', 'digest', 'sizeBytes'),
      (a, b, part) => {
        fc.pre(a[part as keyof SignedArtifact] !== b[part as keyof SignedArtifact]);
        const other = { ...a, [part]: b[part as keyof SignedArtifact] };
        assert.ok(!fits(signArtifact(a, KEY), other, KEY.publicKey));
      },
    ),
  );
});

test('a signature under another key’s id fits nothing', () => {
  fc.assert(
    fc.property(artifacts, (artifact) => {
      const [, signed] = signArtifact(artifact, KEY).split('.');
      const renamed = parseArtifactSignature(`${OTHER.publicKey.id}.${signed}`);
      assert.ok(renamed);
      assert.ok(!fits(renamed, artifact, OTHER.publicKey));
      assert.ok(!fits(renamed, artifact, KEY.publicKey));
    }),
  );
});
