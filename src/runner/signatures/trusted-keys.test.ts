import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CacheKey } from '../../base/cache-key.ts';
import { digestOf } from '../../base/digest.ts';
import { signArtifact } from './artifact-signature.ts';
import { SigningKey } from './signing-key.ts';
import { describeDistrust, TrustedKeys } from './trusted-keys.ts';

const [MAIN, ANY, FOREIGN] = [SigningKey.generate(), SigningKey.generate(), SigningKey.generate()];
const trusted = new TrustedKeys([
  { key: MAIN.publicKey, scopes: ['main', 'nightly'] },
  { key: ANY.publicKey, scopes: undefined },
]);
const ARTIFACT = {
  tenant: 'default',
  scope: 'main',
  key: digestOf('key') as string as CacheKey,
  digest: digestOf('body'),
  sizeBytes: 4,
};

test('a key is trusted in its scopes, one without scopes in all', () => {
  const verdict = (scope: string, key: SigningKey) => {
    const artifact = { ...ARTIFACT, scope };
    return trusted.distrust(artifact, signArtifact(artifact, key));
  };
  assert.equal(verdict('main', MAIN), undefined);
  assert.equal(verdict('nightly', MAIN), undefined);
  assert.equal(verdict('pr-7', MAIN), 'wrong-scope');
  assert.equal(verdict('pr-7', ANY), undefined);
  assert.equal(verdict('main', FOREIGN), 'foreign-key');
});

test('a signature of something else is told from one of a foreign key', () => {
  const signature = signArtifact({ ...ARTIFACT, scope: 'pr-7' }, ANY);
  assert.equal(trusted.distrust(ARTIFACT, signature), 'does-not-fit');
});

test('a key that is listed twice is trusted in the scopes of both', () => {
  const twice = new TrustedKeys([
    { key: MAIN.publicKey, scopes: ['main'] },
    { key: MAIN.publicKey, scopes: ['pr-7'] },
  ]);
  const artifact = { ...ARTIFACT, scope: 'pr-7' };
  assert.equal(twice.distrust(artifact, signArtifact(artifact, MAIN)), undefined);
});

test('what is not used is told in one sentence, counted by why', () => {
  assert.equal(
    describeDistrust(['unsigned']),
    'remote cache: 1 artifact was not used, its task runs: 1 not signed (remote.signature.trusted in velocity.yml).',
  );
  assert.equal(
    describeDistrust(['wrong-scope', 'unsigned', 'does-not-fit', 'unsigned', 'foreign-key']),
    'remote cache: 5 artifacts were not used, their tasks run: 2 not signed, 1 signed with a key that is not trusted, 1 with a signature of something else, 1 in a scope for which the key is not trusted (remote.signature.trusted in velocity.yml).',
  );
});
