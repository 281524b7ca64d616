import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BlobUrls } from '../../auth/blob-url.ts';
import type { CacheKey } from '../../base/cache-key.ts';
import { digestOf } from '../../base/digest.ts';
import { isScopeName } from '../../base/scope-name.ts';
import { Secret } from '../../base/secret.ts';
import { artifactName, ownerOf, protocolOf, scopedKey, uploadsKey } from './scoped-key.ts';

const names = fc
  .oneof(
    fc.constantFrom('default', 'main', 'objects', 'tenants', 'a..b', 'a.', 'a', 'pull-request'),
    fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,63}$/),
  )
  .filter(isScopeName);
const hashes = fc.string().map((text) => digestOf(text) as string as CacheKey);
const places = fc.tuple(names, names, hashes);

test('the main scope of the default tenant lies where it always did', () => {
  const hash = digestOf('') as string as CacheKey;
  assert.equal(scopedKey('default', 'main', artifactName(hash)), `objects/${hash}`);
  assert.equal(scopedKey('default', 'pr-7', artifactName(hash)), `tenants/default/pr-7/objects/${hash}`);
  assert.equal(scopedKey('acme', 'main', artifactName(hash)), `tenants/acme/main/objects/${hash}`);
});

test('two places share a key only where tenant, scope and hash are the same', () => {
  fc.assert(
    fc.property(places, places, (one, other) => {
      const same = one.join(' ') === other.join(' ');
      assert.equal(scopedKey(...one) === scopedKey(...other), same);
    }),
    { numRuns: 1000 },
  );
});

test('a URL that was signed for one scope opens the same hash in no other', () => {
  const urls = new BlobUrls(new Secret('a secret of the server'));
  const expiresAt = 9_999_999_999;
  fc.assert(
    fc.property(names, names, names, names, hashes, (tenant, scope, otherTenant, otherScope, hash) => {
      fc.pre(tenant !== otherTenant || scope !== otherScope);
      for (const method of ['GET', 'PUT'] as const) {
        const key = scopedKey(tenant, scope, artifactName(hash));
        const query = urls.sign({ method, key, expiresAt, ifAbsent: method === 'PUT' });
        assert.notEqual(typeof urls.check(method, key, query, 0), 'string');
        assert.equal(
          urls.check(method, scopedKey(otherTenant, otherScope, artifactName(hash)), query, 0),
          'bad-signature',
        );
      }
    }),
  );
});

test('an object is its scope’s, and only what main wrote is trusted', () => {
  const hash = digestOf('') as string as CacheKey;
  for (const [tenant, scope, owner] of [
    ['default', 'main', { name: '', isTrusted: true }],
    ['acme', 'main', { name: 'acme/main', isTrusted: true }],
    ['default', 'pr-7', { name: 'default/pr-7', isTrusted: false }],
    ['acme', 'pr-7', { name: 'acme/pr-7', isTrusted: false }],
  ] as const)
    assert.deepEqual(ownerOf(scopedKey(tenant, scope, artifactName(hash))), owner);
});

test('a part of an upload is its scope’s, and can be taken for no entry', () => {
  fc.assert(
    fc.property(names, names, hashes, (tenant, scope, hash) => {
      const part = uploadsKey(tenant, scope, hash);
      assert.deepEqual(ownerOf(part), { name: `${tenant}/${scope}`, isTrusted: scope === 'main' });
      assert.ok(!part.startsWith('tenants/'));
      assert.equal(part.split('/')[0], 'uploads');
    }),
  );
});

test('a key tells whose protocol its entry is, in whatever scope', () => {
  fc.assert(
    fc.property(names, names, hashes, (tenant, scope, hash) => {
      assert.equal(protocolOf(scopedKey(tenant, scope, artifactName(hash))), 'velocity');
      assert.equal(protocolOf(scopedKey(tenant, scope, `github-actions/${hash}/key`)), 'github-actions');
    }),
  );
});
