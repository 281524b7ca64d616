import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { SignJWT, UnsecuredJWT } from 'jose';
import { HttpServer } from '../../test/rig/http-server.ts';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { OidcIssuer as Issuer } from '../../test/rig/oidc-issuer.ts';
import { looksLikeJwt, OidcVerifier } from './oidc.ts';
import type { OidcIssuer } from './oidc-rules.ts';

const NOW = Date.UTC(2026, 5, 1);
const AUDIENCE = 'https://cache.example.com';
const CLAIMS = { aud: AUDIENCE, sub: 'repo:shop/web:ref:refs/heads/main', repository_id: 4711, fork: false };

describe('OidcVerifier', () => {
  let issuer: Issuer;
  before(async () => {
    issuer = await Issuer.start(() => NOW);
  });
  after(() => issuer[Symbol.asyncDispose]());

  const configured = (changes: Partial<OidcIssuer> = {}): OidcIssuer => ({
    issuer: issuer.url,
    audience: AUDIENCE,
    rules: [],
    ...changes,
  });
  const verifier = (changes: Partial<OidcIssuer> = {}): OidcVerifier =>
    new OidcVerifier([configured(changes)], new ManualClock(NOW));
  const refusal = async (verified: ReturnType<OidcVerifier['verify']>): Promise<string | undefined> => {
    const result = await verified;
    return 'refusal' in result ? result.refusal : undefined;
  };

  test('what the issuer says of the bearer is told as texts, with when that ends', async () => {
    const verified = await verifier().verify(await issuer.sign({ ...CLAIMS, groups: ['a'] }));
    assert.ok(!('refusal' in verified), JSON.stringify(verified));
    assert.deepEqual([verified.issuer, verified.expiresAt], [issuer.url, NOW + 300_000]);
    const { sub, repository_id, fork, groups } = verified.claims;
    assert.deepEqual([sub, repository_id, fork, groups], [CLAIMS.sub, '4711', 'false', undefined]);
  });

  test('a number that is not known to the last digit is no claim: another one may read the same', async () => {
    const numbers = { project_id: 2 ** 53, large: 1e21, fraction: 1.5, whole: 2 ** 53 - 1 };
    const verified = await verifier().verify(await issuer.sign({ ...CLAIMS, ...numbers }));
    assert.ok(!('refusal' in verified), JSON.stringify(verified));
    const { project_id, large, fraction, whole } = verified.claims;
    assert.deepEqual([project_id, large, fraction, whole], [undefined, undefined, '1.5', '9007199254740991']);
  });

  test('keys are fetched once, where discovery says or where the settings do', async () => {
    const own = verifier();
    const asked = issuer.asked.length;
    const tokens = await Promise.all([1, 2, 3].map(() => issuer.sign(CLAIMS)));
    await Promise.all(tokens.map((token) => own.verify(token)));
    assert.deepEqual(issuer.asked.slice(asked), ['/.well-known/openid-configuration', '/keys']);
    const direct = verifier({ jwksUri: `${issuer.url}/keys` });
    assert.equal(await refusal(direct.verify(await issuer.sign(CLAIMS))), undefined);
    assert.deepEqual(issuer.asked.slice(asked + 2), ['/keys']);
  });

  const bad: Readonly<Record<string, () => Promise<string>>> = {
    'for another audience': () => issuer.sign({ ...CLAIMS, aud: 'https://other.example.com' }),
    'for no audience': () => issuer.sign({ ...CLAIMS, aud: undefined }),
    'that has expired': () => issuer.sign({ ...CLAIMS, exp: NOW / 1000 - 61 }),
    'that is not valid yet': () => issuer.sign({ ...CLAIMS, nbf: NOW / 1000 + 61 }),
    'without an expiry': () => issuer.sign({ ...CLAIMS, exp: undefined }),
    'without a subject': () => issuer.sign({ ...CLAIMS, sub: undefined }),
    'of another key': async () =>
      issuer.sign(CLAIMS, { key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey }),
    'of a key that the issuer does not have': () => issuer.sign(CLAIMS, { kid: 'key-2' }),
    'signed with the public key as a secret': () =>
      new SignJWT({ ...CLAIMS, iss: issuer.url, exp: NOW / 1000 + 300 })
        .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
        .sign(Buffer.from('the public key, which everybody knows')),
    'whose claims were changed': async () => {
      const [head, , signature] = (await issuer.sign({ ...CLAIMS, repository_id: 1 })).split('.');
      const [, claims] = (await issuer.sign(CLAIMS)).split('.');
      return [head, claims, signature].join('.');
    },
  };
  for (const [what, sign] of Object.entries(bad))
    test(`a token ${what} is invalid`, async () => {
      assert.equal(await refusal(verifier().verify(await sign())), 'invalid-jwt');
    });

  test('clocks may differ by a minute', async () => {
    const late = await issuer.sign({ ...CLAIMS, exp: NOW / 1000 - 59 });
    assert.equal(await refusal(verifier().verify(late)), undefined);
  });

  test('a token of an issuer that is not configured is not looked into', async () => {
    const token = await issuer.sign({ ...CLAIMS, iss: 'https://elsewhere.example.com' });
    const asked = issuer.asked.length;
    assert.equal(await refusal(verifier().verify(token)), 'unknown-issuer');
    assert.equal(issuer.asked.length, asked);
  });

  test('only three parts in base64url may be an issuer’s token', async () => {
    assert.ok(looksLikeJwt(await issuer.sign(CLAIMS)));
    const unsigned = new UnsecuredJWT({ ...CLAIMS, iss: issuer.url }).encode();
    for (const text of ['', 'vc_id_secret', 'a.b', '..', 'a.b.c.d', `${'x'.repeat(20_000)}.y.z`, unsigned]) {
      assert.ok(!looksLikeJwt(text), text.slice(0, 20));
      assert.equal(await refusal(verifier().verify(text)), 'unknown-issuer');
    }
    assert.equal(await refusal(verifier().verify('a.b.c')), 'unknown-issuer');
  });

  test('an issuer that cannot be reached is no fault of the token, and is left alone for a while', async () => {
    const gone = await Issuer.start(() => NOW);
    await gone[Symbol.asyncDispose]();
    const lost = new OidcVerifier([configured({ issuer: gone.url })], new ManualClock(NOW));
    assert.equal(await refusal(lost.verify(await gone.sign(CLAIMS))), 'issuer-unavailable');

    const clock = new ManualClock(NOW);
    const mute = new OidcVerifier([configured({ issuer: `${issuer.url}/elsewhere` })], clock);
    const token = await issuer.sign({ ...CLAIMS, iss: `${issuer.url}/elsewhere` });
    const asked = issuer.asked.length;
    const ask = async (): Promise<number> => {
      assert.equal(await refusal(mute.verify(token)), 'issuer-unavailable');
      return issuer.asked.length - asked;
    };
    assert.equal(await ask(), 1);
    clock.advance(4_999);
    assert.equal(await ask(), 1);
    clock.advance(1);
    assert.equal(await ask(), 2);
  });

  test('an issuer whose keys cannot be had is left alone for a while, wherever they are said to be', async () => {
    const clock = new ManualClock(NOW);
    const token = await issuer.sign(CLAIMS);
    for (const path of ['/elsewhere', '/.well-known/openid-configuration']) {
      const lost = new OidcVerifier([configured({ jwksUri: `${issuer.url}${path}` })], clock);
      const asked = issuer.asked.length;
      const ask = async (): Promise<number> => {
        assert.equal(await refusal(lost.verify(token)), 'issuer-unavailable', path);
        return issuer.asked.length - asked;
      };
      assert.equal(await ask(), 1, path);
      clock.advance(4_999);
      assert.equal(await ask(), 1, path);
      clock.advance(1);
      assert.equal(await ask(), 2, path);
    }
  });

  test('keys are not fetched over the open network, wherever discovery says they are', async () => {
    const open = { jwks_uri: 'http://issuer.example/keys' };
    await using careless = await HttpServer.start(
      (_request, response) => void response.end(JSON.stringify(open)),
    );
    const verified = await verifier({ issuer: careless.url }).verify(
      await issuer.sign({ ...CLAIMS, iss: careless.url }),
    );
    assert.ok('refusal' in verified);
    assert.equal(verified.refusal, 'issuer-unavailable');
    assert.match(verified.why, /names no https:\/\/ address of keys/);
  });

  test('issuers that take the place of others are believed at once, and the others no longer', async () => {
    const changing = verifier();
    const token = await issuer.sign(CLAIMS);
    changing.replace([configured({ audience: 'https://other.example.com' })]);
    assert.equal(await refusal(changing.verify(token)), 'invalid-jwt');
    changing.replace([]);
    assert.equal(await refusal(changing.verify(token)), 'unknown-issuer');
  });
});
