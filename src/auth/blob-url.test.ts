import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { objectKeys } from '../../test/rig/arbitraries.ts';
import { digestOf } from '../base/digest.ts';
import { Secret } from '../base/secret.ts';
import { type BlobGrant, BlobUrls } from './blob-url.ts';

const NOW = Date.UTC(2026, 0, 1);
const FUTURE = NOW / 1000 + 60;
const urls = new BlobUrls(new Secret('a secret of both servers'));

const grants: fc.Arbitrary<BlobGrant> = fc.record(
  {
    method: fc.constantFrom('GET', 'PUT'),
    key: objectKeys.map(String),
    expiresAt: fc.integer({ min: FUTURE, max: 9_999_999_999 }),
    ifAbsent: fc.boolean(),
    sizeBytes: fc.option(fc.nat({ max: 1e15 - 1 }), { nil: undefined }),
    digest: fc.option(
      fc.string().map((text) => digestOf(text)),
      { nil: undefined },
    ),
    metadata: fc.option(
      fc.dictionary(fc.stringMatching(/^[a-z0-9_-]{1,12}$/), fc.stringMatching(/^[ -~]{0,40}$/), {
        noNullPrototype: true,
      }),
      { nil: undefined },
    ),
  },
  { noNullPrototype: true },
);

const GRANT: BlobGrant = {
  method: 'PUT',
  key: 'objects/abc',
  expiresAt: FUTURE,
  ifAbsent: true,
  sizeBytes: 10,
  digest: digestOf('0123456789'),
  metadata: { writer: 'ci of main' },
};

/** Why a query opens nothing, for the method and key of `GRANT`. */
function refusal(query: string): unknown {
  const checked = urls.check('PUT', GRANT.key, query, NOW);
  return typeof checked === 'string' ? checked : 'opened';
}

test('what was signed is what is read back', () => {
  fc.assert(
    fc.property(grants, (grant) => {
      assert.deepEqual(urls.check(grant.method, grant.key, urls.sign(grant), NOW), grant);
    }),
  );
});

test('a query opens no other key and no other method', () => {
  fc.assert(
    fc.property(grants, objectKeys, (grant, otherKey) => {
      const otherMethod = grant.method === 'GET' ? 'PUT' : 'GET';
      const query = urls.sign(grant);
      assert.equal(urls.check(otherMethod, grant.key, query, NOW), 'bad-signature');
      if (grant.key !== otherKey)
        assert.equal(urls.check(grant.method, otherKey, query, NOW), 'bad-signature');
    }),
  );
});

test('the terms of one grant are refused under the signature of another', () => {
  fc.assert(
    fc.property(grants, grants, (grant, other) => {
      const [signed, terms] = [
        urls.sign(grant),
        urls.sign({ ...other, key: grant.key, method: grant.method }),
      ];
      const [signature] = signed.split('sig=').slice(-1);
      const mixed = terms.replace(/sig=.*$/, `sig=${signature}`);
      fc.pre(mixed !== signed);
      assert.equal(urls.check(grant.method, grant.key, mixed, NOW), 'bad-signature');
    }),
  );
});

test('a query altered in any place opens nothing, unless it spells the same grant', () => {
  const characters = fc.oneof(
    fc.stringMatching(/^[ -~]$/),
    fc.constantFrom('', '0', '=', '&', '+', '%00', '\n'),
  );
  fc.assert(
    fc.property(grants, fc.nat(), fc.nat({ max: 1 }), characters, (grant, seed, cut, put) => {
      const query = urls.sign(grant);
      const at = seed % (query.length + 1);
      const checked = urls.check(
        grant.method,
        grant.key,
        query.slice(0, at) + put + query.slice(at + cut),
        NOW,
      );
      if (typeof checked !== 'string') assert.deepEqual(checked, grant);
    }),
    { numRuns: 1000 },
  );
});

test('each term that is dropped, changed, doubled or added is refused', () => {
  const query = urls.sign(GRANT);
  const change = (edit: (terms: URLSearchParams) => void): string => {
    const terms = new URLSearchParams(query);
    edit(terms);
    return terms.toString();
  };
  assert.equal(refusal(query), 'opened');
  for (const name of ['if', 'size', 'sha256', 'meta']) {
    assert.equal(refusal(change((terms) => terms.delete(name))), 'bad-signature', name);
  }
  assert.equal(refusal(change((terms) => terms.delete('exp'))), 'malformed');
  assert.equal(refusal(change((terms) => terms.set('size', '11'))), 'bad-signature');
  assert.equal(refusal(change((terms) => terms.set('sha256', digestOf('other')))), 'bad-signature');
  assert.equal(refusal(change((terms) => terms.set('exp', String(FUTURE + 1)))), 'bad-signature');
  assert.equal(refusal(change((terms) => terms.set('if', 'present'))), 'malformed');
  assert.equal(refusal(change((terms) => terms.set('size', '1e1'))), 'malformed');
  assert.equal(refusal(change((terms) => terms.set('size', '-10'))), 'malformed');
  assert.equal(refusal(change((terms) => terms.set('sha256', 'abc'))), 'malformed');
  const meta = (json: string) =>
    change((terms) => terms.set('meta', Buffer.from(json).toString('base64url')));
  assert.equal(refusal(meta('{"writer":"ci of main"}')), 'opened');
  assert.equal(refusal(meta('{"writer":"somebody"}')), 'bad-signature');
  for (const odd of ['{"writer": "ci of main"}', '{"b":"","a":""}', '{"a":1}', '[]', 'null', '"a"', '{']) {
    assert.equal(refusal(meta(odd)), 'malformed', odd);
  }
  assert.equal(refusal(change((terms) => terms.append('exp', String(FUTURE)))), 'malformed');
  assert.equal(refusal(change((terms) => terms.append('admin', '1'))), 'malformed');
});

test('a query without a signature is unsigned, and one with a wrong one is refused', () => {
  const query = urls.sign(GRANT);
  const [terms] = query.split('&sig=');
  assert.equal(refusal(''), 'unsigned');
  assert.equal(refusal(`${terms}`), 'unsigned');
  assert.equal(refusal(`${terms}&sig=`), 'bad-signature');
  assert.equal(refusal(`${query}=`), 'bad-signature');
  assert.equal(refusal(`${terms}&sig=${'é'.repeat(43)}`), 'bad-signature');
});

test('the last character of a signature has one spelling, though base64 leaves two of its bits to spare', () => {
  const query = urls.sign(GRANT);
  for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
    const spelled = query.slice(0, -1) + character;
    if (spelled !== query) assert.equal(refusal(spelled), 'bad-signature', character);
  }
});

test('a URL opens up to the second of its expiry and not from then on', () => {
  const query = urls.sign(GRANT);
  assert.deepEqual(urls.check('PUT', GRANT.key, query, FUTURE * 1000 - 1), GRANT);
  assert.equal(urls.check('PUT', GRANT.key, query, FUTURE * 1000), 'expired');
});

test('a URL that is expired and altered is told to be altered', () => {
  assert.equal(urls.check('GET', GRANT.key, urls.sign(GRANT), FUTURE * 1000), 'bad-signature');
});

test('servers with the same secret open each other’s URLs, with another they do not', () => {
  const query = urls.sign(GRANT);
  const check = (secret: string): unknown =>
    new BlobUrls(new Secret(secret)).check('PUT', GRANT.key, query, NOW);
  assert.deepEqual(check('a secret of both servers'), GRANT);
  assert.equal(check('another secret'), 'bad-signature');
});

test('no query makes the check throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webQueryParameters()), (query) => {
      assert.equal(typeof urls.check('GET', 'objects/abc', query, NOW), 'string');
    }),
  );
});
