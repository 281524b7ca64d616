/** Who may read and write what: every action, by every kind of token, on a key that is held in every kind of place (A5). */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { openAuthenticator } from '../../../test/rig/authenticator.ts';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { openTempFolder, type TempFolder } from '../../../test/rig/temp-folder.ts';
import { type Access, everything, type Preset, presetTerms } from '../../auth/access.ts';
import { BlobUrls } from '../../auth/blob-url.ts';
import { authMetrics } from '../../auth/metrics.ts';
import { UploadUrls } from '../../auth/upload-url.ts';
import type { CacheKey } from '../../base/cache-key.ts';
import { digestOf } from '../../base/digest.ts';
import { Secret } from '../../base/secret.ts';
import { createListener, type HttpApp } from '../../http/listener.ts';
import { httpMetrics } from '../../http/metrics.ts';
import { TrustedProxies } from '../../http/trusted-proxies.ts';
import { LocalStore } from '../../storage/drivers/local/local-store.ts';
import { AuditLog } from '../../telemetry/audit-log.ts';
import { openLogger } from '../../telemetry/logger.ts';
import type { NegotiateReply } from '../../wire/negotiate.ts';
import { registerBuildCache } from './door.ts';
import { buildCacheMetrics } from './metrics.ts';
import { artifactName, scopedKey } from './scoped-key.ts';

function ofPreset(preset: Preset, terms: Partial<Access> = {}): Access {
  return { id: preset, tenant: 'default', expiresAt: undefined, ...presetTerms(preset), ...terms };
}

/** A token's text is its name here. */
const TOKENS: Readonly<Record<string, Access>> = {
  simple: everything('simple'),
  main: ofPreset('main'),
  admin: ofPreset('admin'),
  'pull-request': ofPreset('pull-request'),
  developer: ofPreset('developer'),
  'write-only': ofPreset('main', { writeScope: 'nightly', readScopes: [] }),
  'of another tenant': ofPreset('main', { tenant: 'acme' }),
  'a CI job': ofPreset('main', {
    id: 'https://ci.example repo:acme/shop',
    claims: { repository: 'acme/shop', sha: 'f'.repeat(40), iss: 'https://ci.example' },
  }),
  'without the right': ofPreset('main', { rights: new Set(['files', 'objects', 'builds', 'admin']) }),
  expired: ofPreset('main', { expiresAt: 1 }),
  expiring: ofPreset('main', { expiresAt: Date.UTC(2030, 0) }),
};

const PLACES = {
  nowhere: undefined,
  main: ['default', 'main'],
  'the pull request’s scope': ['default', 'pull-request'],
  'another scope': ['default', 'pr-8'],
  'the other tenant’s main': ['acme', 'main'],
} as const;
type Place = keyof typeof PLACES;

type Row = readonly [string, string, string, string, string];
const ALL = (answer: string): Row => [answer, answer, answer, answer, answer];
const ONLY_MAIN: Row = ['missing', 'found', 'missing', 'missing', 'missing'];
const MAIN_UPLOAD: Row = ['upload_needed', 'skipped', 'upload_needed', 'upload_needed', 'upload_needed'];

/** What is answered where the key is held in each of `PLACES`: to a download or `verify`, and to an upload. */
const ANSWERS: Readonly<Record<string, { read: Row; upload: Row }>> = {
  simple: { read: ONLY_MAIN, upload: MAIN_UPLOAD },
  main: { read: ONLY_MAIN, upload: MAIN_UPLOAD },
  admin: { read: ONLY_MAIN, upload: MAIN_UPLOAD },
  'pull-request': {
    read: ['missing', 'found', 'found', 'missing', 'missing'],
    upload: ['upload_needed', 'skipped', 'skipped', 'upload_needed', 'upload_needed'],
  },
  developer: { read: ONLY_MAIN, upload: ALL('403') },
  'write-only': { read: ALL('missing'), upload: ALL('upload_needed') },
  'of another tenant': {
    read: ['missing', 'missing', 'missing', 'missing', 'found'],
    upload: ['upload_needed', 'upload_needed', 'upload_needed', 'upload_needed', 'skipped'],
  },
  'without the right': { read: ALL('403'), upload: ALL('403') },
  expired: { read: ALL('401'), upload: ALL('401') },
  unknown: { read: ALL('401'), upload: ALL('401') },
};

let folder: TempFolder;
let store: LocalStore;
let app: HttpApp;
before(async () => {
  folder = await openTempFolder();
  store = await LocalStore.open({ root: folder.path });
  const clock = new ManualClock();
  const registry = new Registry();
  const logger = openLogger('silent');
  app = createListener({ logger, metrics: httpMetrics(registry), clock, requestLog: 'none' });
  registerBuildCache(app, {
    store,
    ...openAuthenticator(clock, {
      tokens: Object.entries(TOKENS).map(([name, access]) => ({ sha256: digestOf(bearer(name)), access })),
    }),
    urls: new BlobUrls(new Secret('a secret of the server')),
    uploadUrls: new UploadUrls(new Secret('a secret of the server')),
    audit: new AuditLog(undefined, clock, logger),
    proxies: new TrustedProxies(),
    metrics: buildCacheMetrics(registry),
    authMetrics: authMetrics(registry),
    logger,
    clock,
    publicUrl: 'https://cache.example',
    urlTtlSeconds: 60,
    maxArtifactBytes: 1000,
    gradleOversize: 'drop',
    turborepoRequireTag: [],
    actionResults: 'complete',
    version: '1.2.3',
  });
});
after(async () => {
  await app.close();
  await store.close();
  await folder[Symbol.asyncDispose]();
});

/** Names have blanks, tokens have none. */
function bearer(name: string): string {
  return name.replaceAll(' ', '-');
}

function freshHash(): CacheKey {
  return digestOf(randomBytes(16)) as string as CacheKey;
}

async function put(tenant: string, scope: string, hash: CacheKey, body = 'body'): Promise<void> {
  await store.put(scopedKey(tenant, scope, artifactName(hash)), Buffer.from(body), { ifAbsent: true });
}

async function ask(token: string, body: unknown): Promise<{ status: number; text: string }> {
  const { statusCode, body: text } = await app.inject({
    method: 'POST',
    url: '/v1/negotiate',
    headers: { authorization: `Bearer ${bearer(token)}`, 'x-request-id': 'same' },
    payload: body as object,
  });
  return { status: statusCode, text };
}

async function upload(token: string, item: object): Promise<void> {
  const { text } = await ask(token, { ...item, action: 'upload' });
  const { url, headers } = JSON.parse(text) as NegotiateReply & { status: 'upload_needed' };
  const path = url.replace('https://cache.example', '');
  const sent = await app.inject({ method: 'PUT', url: path, headers, payload: 'body' });
  assert.equal(sent.statusCode, 201);
}

async function found(token: string, hash: CacheKey): Promise<NegotiateReply & { status: 'found' }> {
  const reply = JSON.parse((await ask(token, { hash, action: 'download' })).text) as NegotiateReply;
  assert.ok(reply.status === 'found');
  return reply;
}

/** The status of the reply, or of the response where that is a refusal. */
async function answer(token: string, hash: CacheKey, action: string): Promise<string> {
  const { status, text } = await ask(token, { hash, action });
  return status === 200 ? (JSON.parse(text) as NegotiateReply).status : String(status);
}

describe('what each token is answered (A5)', () => {
  for (const [token, { read, upload }] of Object.entries(ANSWERS)) {
    for (const [index, place] of (Object.keys(PLACES) as Place[]).entries()) {
      const [reads, uploads] = [read[index], upload[index]];
      test(`${token}, key held by ${place}: ${reads} to a read, ${uploads} to an upload`, async () => {
        const hash = freshHash();
        const held = PLACES[place];
        if (held) await put(held[0], held[1], hash);
        assert.equal(await answer(token, hash, 'download'), reads);
        assert.equal(await answer(token, hash, 'verify'), reads);
        assert.equal(await answer(token, hash, 'upload'), uploads);
      });
    }
  }
});

describe('outside of what a token reads', () => {
  for (const token of Object.keys(ANSWERS)) {
    test(`an entry changes no byte of any answer to ${token}`, async () => {
      const hash = freshHash();
      const replies = async () =>
        Promise.all(['download', 'verify', 'upload'].map((action) => ask(token, { hash, action })));
      const earlier = await replies();
      const reads = TOKENS[token]?.readScopes ?? [];
      const tenant = TOKENS[token]?.tenant;
      for (const [otherTenant, scope] of [
        ['default', 'main'],
        ['default', 'pull-request'],
        ['default', 'pr-8'],
        ['default', 'nightly'],
        ['acme', 'main'],
        ['acme', 'pull-request'],
      ] as const) {
        if (tenant !== otherTenant || !reads.includes(scope)) await put(otherTenant, scope, hash);
      }
      assert.deepEqual(await replies(), earlier);
    });
  }
});

test('what two scopes hold is read from the trusted one', async () => {
  const hash = freshHash();
  await put('default', 'pull-request', hash, 'poison');
  await put('default', 'main', hash, 'good');
  const { text } = await ask('pull-request', { hash, action: 'download' });
  const { url } = JSON.parse(text) as NegotiateReply & { status: 'found' };
  const got = await app.inject({ method: 'GET', url: url.replace('https://cache.example', '') });
  assert.equal(got.body, 'good');
});

test('an upload lands in the token’s own scope, and its URL opens no other', async () => {
  const hash = freshHash();
  const { text } = await ask('pull-request', { hash, action: 'upload' });
  const { url, headers } = JSON.parse(text) as NegotiateReply & { status: 'upload_needed' };
  const path = url.replace('https://cache.example', '');
  for (const key of [
    `objects/${hash}`,
    `tenants/default/main/objects/${hash}`,
    `tenants/acme/pull-request/objects/${hash}`,
    `tenants/default/pull-request/../main/objects/${hash}`,
    `tenants/default/pull-request/%2e%2e/%2e%2e/%2e%2e/objects/${hash}`,
  ]) {
    const moved = path.replace(`tenants/default/pull-request/objects/${hash}`, key);
    assert.notEqual(moved, path);
    const refused = await app.inject({ method: 'PUT', url: moved, headers, payload: 'poison' });
    assert.ok([400, 403].includes(refused.statusCode), `${key}: ${refused.statusCode}`);
  }
  const sent = await app.inject({ method: 'PUT', url: path, headers, payload: 'mine' });
  assert.equal(sent.statusCode, 201);
  const held: string[] = [];
  for await (const { key } of store.list({ prefix: '' })) if (key.includes(hash)) held.push(key);
  assert.deepEqual(held, [`tenants/default/pull-request/objects/${hash}`]);
});

test('an upload without a scope to write is a 403 that names the field', async () => {
  const { status, text } = await ask('developer', { hash: freshHash(), action: 'upload' });
  const problem = JSON.parse(text) as Record<string, unknown>;
  assert.deepEqual([status, problem['code'], problem['field']], [403, 'FORBIDDEN', 'action']);
});

test('in a batch an upload that is not allowed leaves the other items their answers', async () => {
  const hash = freshHash();
  await put('default', 'main', hash);
  const { status, text } = await ask('developer', {
    items: [
      { hash, action: 'download' },
      { hash, action: 'upload' },
      { hash: freshHash(), action: 'upload' },
      { hash: freshHash(), action: 'download' },
    ],
  });
  assert.equal(status, 200);
  const { items } = JSON.parse(text) as { items: NegotiateReply[] };
  assert.deepEqual(
    items.map((item) => item.status),
    ['found', 'forbidden', 'forbidden', 'missing'],
  );
});

test('an upload is kept with who wrote it, when and from which commit, and whoever finds it is told', async () => {
  const hash = freshHash();
  await upload('main', { hash, commit: '0123abc' });
  assert.deepEqual((await found('main', hash)).provenance, {
    writer: 'main',
    written: '2026-01-01T00:00:00.000Z',
    commit: '0123abc',
  });
});

test('what an OIDC issuer says of the writer is kept, and its commit goes before the client’s word', async () => {
  const hash = freshHash();
  await upload('a CI job', { hash, commit: '0123abc' });
  assert.deepEqual((await found('a CI job', hash)).provenance, {
    writer: 'https://ci.example repo:acme/shop',
    written: '2026-01-01T00:00:00.000Z',
    commit: 'f'.repeat(40),
    claims: { repository: 'acme/shop', sha: 'f'.repeat(40) },
  });
});

test('a find without provenance, or with one that cannot be read, is found without', async () => {
  for (const metadata of [{}, { provenance: 'by hand' }]) {
    const hash = freshHash();
    await store.put(scopedKey('default', 'main', artifactName(hash)), Buffer.from('x'), {
      ifAbsent: true,
      metadata,
    });
    assert.ok(!('provenance' in (await found('main', hash))));
  }
});

test('a commit that is none is a 400 that names the field', async () => {
  for (const commit of ['', '0123ab', '0123ABC', 'main', `${'a'.repeat(40)}-dirty`, 'a'.repeat(65), 5]) {
    const { status, text } = await ask('main', { hash: freshHash(), action: 'upload', commit });
    assert.deepEqual([status, (JSON.parse(text) as { field: string }).field], [400, 'commit']);
  }
});

test('a signature is kept as it is and told with the place it was found in', async () => {
  const signature = `${'0'.repeat(16)}.${'A'.repeat(86)}`;
  const hash = freshHash();
  await upload('pull-request', { hash, signature });
  const { signature: kept, tenant, scope } = await found('pull-request', hash);
  assert.deepEqual([kept, tenant, scope], [signature, 'default', 'pull-request']);
  const unsigned = freshHash();
  await upload('main', { hash: unsigned });
  const reply = await found('main', unsigned);
  assert.deepEqual([reply.signature, reply.tenant, reply.scope], [undefined, undefined, undefined]);
});

test('a signature of another form is a 400 that names the field', async () => {
  for (const signature of ['', 'a.b', `${'0'.repeat(16)}.${'A'.repeat(87)}`, 5]) {
    const { status, text } = await ask('main', { hash: freshHash(), action: 'upload', signature });
    assert.deepEqual([status, (JSON.parse(text) as { field: string }).field], [400, 'signature']);
  }
});

describe('GET /v1/access', () => {
  const access = (token: string) =>
    app.inject({ url: '/v1/access', headers: { authorization: `Bearer ${bearer(token)}` } });

  test('tells a token what it means', async () => {
    const { statusCode, headers, body } = await access('pull-request');
    assert.deepEqual([statusCode, headers['cache-control']], [200, 'no-store']);
    assert.deepEqual(JSON.parse(body), {
      tenant: 'default',
      writeScope: 'pull-request',
      readScopes: ['main', 'pull-request'],
      rights: ['cache'],
      expires: null,
    });
    assert.equal(JSON.parse((await access('developer')).body).writeScope, null);
    assert.equal(JSON.parse((await access('expiring')).body).expires, '2030-01-01T00:00:00.000Z');
  });

  test('is told to no token that is unknown, expired or without the right', async () => {
    for (const [token, status] of [
      ['unknown', 401],
      ['expired', 401],
      ['without the right', 403],
    ] as const) {
      assert.equal((await access(token)).statusCode, status, token);
    }
  });
});

test('a deletion with anything in its address but a scope is refused: it could be meant for another entry', async () => {
  const hash = freshHash();
  await put('default', 'main', hash);
  const remove = async (query: string): Promise<number> => {
    const headers = { authorization: 'Bearer admin' };
    return (await app.inject({ method: 'DELETE', url: `/v1/entries/${hash}${query}`, headers })).statusCode;
  };
  for (const query of ['?scopes=pr-8', '?Scope=pr-8', '?scope[]=pr-8', '?scope=main&tenant=acme'])
    assert.equal(await remove(query), 400, query);
  assert.equal(await answer('main', hash, 'download'), 'found');
  assert.equal(await remove('?scope=main'), 204);
});

test('told of damage, the server reads what the token would have been given, and nothing of another scope', async (t) => {
  const hash = freshHash();
  await put('default', 'pull-request', hash);
  await put('acme', 'main', hash);
  const get = t.mock.method(store, 'get');
  const read = (): unknown[] => get.mock.calls.map(({ arguments: [key] }) => key);
  assert.equal(await answer('main', hash, 'verify'), 'missing');
  assert.deepEqual(read(), []);
  assert.equal(await answer('pull-request', hash, 'verify'), 'found');
  assert.deepEqual(read(), [`tenants/default/pull-request/objects/${hash}`]);
  await put('default', 'main', hash);
  assert.equal(await answer('pull-request', hash, 'verify'), 'found');
  assert.deepEqual(read().slice(1), [`objects/${hash}`]);
});
