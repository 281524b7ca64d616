import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { exportJWK, SignJWT, UnsecuredJWT } from 'jose';
import { HttpServer } from '../../test/rig/http-server.ts';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import type { Right } from './access.ts';
import { type OidcIssuer, type OidcRule, OidcVerifier } from './oidc.ts';

const NOW = Date.UTC(2026, 5, 1);
const AUDIENCE = 'https://cache.example.com';

/** As GitHub Actions gives its jobs. */
const MAIN_CLAIMS = {
  sub: 'repo:shop/web:ref:refs/heads/main',
  repository: 'shop/web',
  repository_id: '4711',
  ref: 'refs/heads/main',
  event_name: 'push',
};
const PULL_CLAIMS = { ...MAIN_CLAIMS, ref: 'refs/pull/12/merge', event_name: 'pull_request' };

const RULES: readonly OidcRule[] = [
  {
    when: { repository_id: '4711', ref: 'refs/heads/main', event_name: ['push', 'schedule'] },
    tenant: 'shop',
    write: 'main',
    read: ['main'],
    rights: new Set<Right>(['cache']),
  },
  {
    when: { repository_id: '4711', event_name: 'pull_request' },
    tenant: 'shop',
    write: 'pr-${ref}',
    read: ['main', 'pr-${ref}'],
    rights: new Set<Right>(['cache']),
  },
  { when: { event_name: 'broken' }, tenant: 'shop', write: 'x-${none}', read: [], rights: new Set() },
];

/** An issuer with a key of its own, on loopback. */
class Issuer implements AsyncDisposable {
  readonly url: string;
  readonly #server: HttpServer;
  readonly #key: KeyObject;
  /** Requests it was sent, by path. */
  readonly asked: string[];

  private constructor(server: HttpServer, key: KeyObject, asked: string[]) {
    this.url = server.url;
    this.#server = server;
    this.#key = key;
    this.asked = asked;
  }

  static async start(): Promise<Issuer> {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const jwk = { ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'RS256', use: 'sig' };
    const asked: string[] = [];
    const server = await HttpServer.start((request, response) => {
      asked.push(request.url ?? '');
      const documents: Record<string, object> = {
        '/.well-known/openid-configuration': { jwks_uri: `${server.url}/keys` },
        '/keys': { keys: [jwk] },
      };
      const document = documents[request.url ?? ''];
      response.writeHead(document ? 200 : 404, { 'content-type': 'application/json' });
      response.end(JSON.stringify(document ?? {}));
    });
    return new Issuer(server, privateKey, asked);
  }

  sign(claims: Readonly<Record<string, unknown>>, { key = this.#key, kid = 'key-1' } = {}): Promise<string> {
    return new SignJWT({ iss: this.url, aud: AUDIENCE, exp: NOW / 1000 + 300, iat: NOW / 1000, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid })
      .sign(key);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}

describe('OidcVerifier', () => {
  let issuer: Issuer;
  before(async () => {
    issuer = await Issuer.start();
  });
  after(() => issuer[Symbol.asyncDispose]());

  const configured = (changes: Partial<OidcIssuer> = {}): OidcIssuer => ({
    issuer: issuer.url,
    audience: AUDIENCE,
    rules: RULES,
    ...changes,
  });
  const verifier = (changes: Partial<OidcIssuer> = {}): OidcVerifier =>
    new OidcVerifier([configured(changes)], new ManualClock(NOW));

  test('a token of the main branch writes and reads main', async () => {
    const grant = await verifier().verify(await issuer.sign(MAIN_CLAIMS));
    assert.ok(typeof grant === 'object');
    const { tenant, writeScope, readScopes, rights, expiresAt, id } = grant.access;
    assert.deepEqual(
      { tenant, writeScope, readScopes, rights },
      {
        tenant: 'shop',
        writeScope: 'main',
        readScopes: ['main'],
        rights: new Set<Right>(['cache']),
      },
    );
    assert.equal(expiresAt, NOW + 300_000);
    assert.equal(id, `${issuer.url} ${MAIN_CLAIMS.sub}`);
  });

  test('a token of a pull request writes a scope of its own, and reads main first', async () => {
    const grant = await verifier().verify(await issuer.sign(PULL_CLAIMS));
    assert.ok(typeof grant === 'object');
    assert.match(grant.access.writeScope ?? '', /^pr-refs-pull-12-merge-[0-9a-f]{12}$/);
    assert.deepEqual(grant.access.readScopes, ['main', grant.access.writeScope]);
  });

  test('keys are fetched once, where discovery says or where the settings do', async () => {
    const own = verifier();
    const asked = issuer.asked.length;
    for (let i = 0; i < 3; i++) await own.verify(await issuer.sign(MAIN_CLAIMS));
    assert.deepEqual(issuer.asked.slice(asked), ['/.well-known/openid-configuration', '/keys']);
    const direct = verifier({ jwksUri: `${issuer.url}/keys` });
    assert.equal(typeof (await direct.verify(await issuer.sign(MAIN_CLAIMS))), 'object');
    assert.deepEqual(issuer.asked.slice(asked + 2), ['/keys']);
  });

  const bad: Readonly<Record<string, () => Promise<string>>> = {
    'for another audience': () => issuer.sign({ ...MAIN_CLAIMS, aud: 'https://other.example.com' }),
    'that has expired': () => issuer.sign({ ...MAIN_CLAIMS, exp: NOW / 1000 - 61 }),
    'that is not valid yet': () => issuer.sign({ ...MAIN_CLAIMS, nbf: NOW / 1000 + 61 }),
    'without an expiry': () => issuer.sign({ ...MAIN_CLAIMS, exp: undefined }),
    'of another key': async () =>
      issuer.sign(MAIN_CLAIMS, { key: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey }),
    'of a key that the issuer does not have': () => issuer.sign(MAIN_CLAIMS, { kid: 'key-2' }),
    'signed with the public key as a secret': () =>
      new SignJWT({ ...MAIN_CLAIMS, iss: issuer.url, aud: AUDIENCE, exp: NOW / 1000 + 300 })
        .setProtectedHeader({ alg: 'HS256', kid: 'key-1' })
        .sign(Buffer.from('the public key, which everybody knows')),
    'without a signature': async () =>
      new UnsecuredJWT({ ...MAIN_CLAIMS, iss: issuer.url, aud: AUDIENCE, exp: NOW / 1000 + 300 }).encode(),
    'whose claims were changed': async () => {
      const [head, , signature] = (await issuer.sign(PULL_CLAIMS)).split('.');
      const [, claims] = (await issuer.sign(MAIN_CLAIMS)).split('.');
      return [head, claims, signature].join('.');
    },
  };
  for (const [what, sign] of Object.entries(bad))
    test(`a token ${what} is invalid`, async () => {
      assert.equal(await verifier().verify(await sign()), 'invalid');
    });

  test('clocks may differ by a minute', async () => {
    const late = await issuer.sign({ ...MAIN_CLAIMS, exp: NOW / 1000 - 59 });
    assert.equal(typeof (await verifier().verify(late)), 'object');
  });

  test('a token that no rule fits opens nothing', async () => {
    for (const claims of [
      { ...MAIN_CLAIMS, repository_id: '4712' },
      { ...MAIN_CLAIMS, event_name: 'workflow_dispatch' },
      { ...MAIN_CLAIMS, repository_id: undefined },
      { ...MAIN_CLAIMS, event_name: 'broken' },
    ])
      assert.equal(await verifier().verify(await issuer.sign(claims)), 'no-rule');
  });

  test('a token of an issuer that is not configured is not looked into', async () => {
    const token = await issuer.sign({ ...MAIN_CLAIMS, iss: 'https://elsewhere.example.com' });
    const asked = issuer.asked.length;
    assert.equal(await verifier().verify(token), 'unknown-issuer');
    assert.equal(issuer.asked.length, asked);
  });

  test('what is no token at all is told from one', async () => {
    for (const text of ['', 'vc_id_secret', 'a.b.c', '..', `${'x'.repeat(20_000)}.y.z`])
      assert.equal(await verifier().verify(text), 'not-a-token', text.slice(0, 20));
  });

  test('an issuer that cannot be reached is no fault of the token', async () => {
    const gone = await Issuer.start();
    await gone[Symbol.asyncDispose]();
    const lost = new OidcVerifier([configured({ issuer: gone.url })], new ManualClock(NOW));
    assert.equal(await lost.verify(await gone.sign(MAIN_CLAIMS)), 'unavailable');
    const mute = verifier({ jwksUri: `${issuer.url}/nothing-here` });
    assert.equal(await mute.verify(await issuer.sign(MAIN_CLAIMS)), 'unavailable');
  });
});
