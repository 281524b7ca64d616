/** What each key/value protocol is answered: right and wrong requests, every kind of token, a storage that fails. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import fc from 'fast-check';
import { openAuthenticator } from '../../../../test/rig/authenticator.ts';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { StubStore } from '../../../../test/rig/stub-store.ts';
import { openTempFolder } from '../../../../test/rig/temp-folder.ts';
import { presetTerms } from '../../../auth/access.ts';
import { BlobUrls } from '../../../auth/blob-url.ts';
import { limitMetrics } from '../../../auth/limits/metrics.ts';
import { RateLimits } from '../../../auth/limits/rate-limits.ts';
import { authMetrics } from '../../../auth/metrics.ts';
import { UploadUrls } from '../../../auth/upload-url.ts';
import { digestOf } from '../../../base/digest.ts';
import { VelocityError } from '../../../base/errors.ts';
import { Secret } from '../../../base/secret.ts';
import { createListener, type HttpApp } from '../../../http/listener.ts';
import { httpMetrics } from '../../../http/metrics.ts';
import { TrustedProxies } from '../../../http/trusted-proxies.ts';
import { LocalStore } from '../../../storage/drivers/local/local-store.ts';
import { parseObjectKey } from '../../../storage/object-key.ts';
import type { Got, ObjectStore, PresignedRequest } from '../../../storage/store.ts';
import { AuditLog } from '../../../telemetry/audit-log.ts';
import { openLogger } from '../../../telemetry/logger.ts';
import { Entries } from '../entries.ts';
import { buildCacheMetrics } from '../metrics.ts';
import type { Oversize } from '../settings.ts';
import { BlockUploads } from './block-uploads.ts';
import { registerCompat } from './compat-door.ts';
import { isKeyPath } from './key-value.ts';
import { allProtocols } from './protocols.ts';
import { UploadTallies } from './upload-tallies.ts';

const PRESETS = ['main', 'pull-request', 'developer', 'admin'] as const;
const LIMIT = 1000;

interface RigOptions {
  readonly oversize?: Oversize;
  readonly maxArtifactBytes?: number;
  readonly requests?: number;
}

/** A listener with these protocols alone; a token's text is its preset's name. */
class Rig implements AsyncDisposable {
  readonly log: Record<string, unknown>[] = [];
  readonly registry = new Registry();
  readonly #app: HttpApp;

  private constructor(store: ObjectStore, options: RigOptions) {
    const { oversize = 'drop', maxArtifactBytes = LIMIT, requests } = options;
    const clock = new ManualClock();
    const logger = openLogger('info', { write: (line) => void this.log.push(JSON.parse(line)) });
    const proxies = new TrustedProxies();
    const [metrics, audit] = [buildCacheMetrics(this.registry), new AuditLog(undefined, clock, logger)];
    const limitRequests = requests === undefined ? undefined : { amount: requests, periodMs: 60_000 };
    this.#app = createListener({ logger, metrics: httpMetrics(this.registry), clock, requestLog: 'none' });
    const secret = new Secret('a secret of the server');
    const protocols = allProtocols({
      ...{
        metrics,
        audit,
        proxies,
        gradleOversize: oversize,
        turborepoRequireTag: [],
        clock,
        publicUrl: undefined,
      },
      ...{ actionResults: 'complete' as const, version: '1.2.3' },
      uploads: new BlockUploads(store, maxArtifactBytes),
      uploadUrls: new UploadUrls(secret),
      tallies: new UploadTallies(maxArtifactBytes, undefined),
    });
    registerCompat(this.#app, protocols, {
      ...openAuthenticator(clock, {
        tokens: PRESETS.map((preset) => ({
          sha256: digestOf(preset),
          access: { id: preset, tenant: 'default', expiresAt: undefined, ...presetTerms(preset) },
        })),
      }),
      authMetrics: authMetrics(this.registry),
      limits: new RateLimits({ limitRequests }, { clock, metrics: limitMetrics(this.registry), proxies }),
      store,
      urls: new BlobUrls(secret),
      publicUrl: undefined,
      entries: new Entries(store),
      metrics,
      audit,
      proxies,
      clock,
      logger,
      maxArtifactBytes,
      urlTtlSeconds: 60,
    });
  }

  static async start(store: ObjectStore, options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(store, options);
    await rig.#app.listen({ host: '127.0.0.1', port: 0 });
    return rig;
  }

  async send(method: string, path: string, { token = 'main', body, headers = {} }: Sent = {}) {
    const { port } = this.#app.server.address() as AddressInfo;
    return fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      redirect: 'manual',
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body === undefined ? {} : { body, duplex: 'half' as const }),
    });
  }

  async status(method: string, path: string, sent: Sent = {}): Promise<number> {
    const reply = await this.send(method, path, sent);
    await reply.arrayBuffer();
    return reply.status;
  }

  async text(path: string, sent: Sent = {}): Promise<string | number> {
    const reply = await this.send('GET', path, sent);
    const text = await reply.text();
    return reply.status === 200 ? text : reply.status;
  }

  async uploads(protocol: string, outcome: string): Promise<number> {
    const text = await this.registry.metrics();
    const line = new RegExp(
      `vc_cache_uploads_total\\{protocol="${protocol}",outcome="${outcome}"\\} (\\d+)`,
    ).exec(text);
    return Number(line?.[1] ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#app.server.closeAllConnections();
    await this.#app.close();
  }
}

interface Sent {
  readonly token?: string;
  readonly body?: RequestInit['body'];
  readonly headers?: Record<string, string>;
}

const hex = (): string => randomBytes(16).toString('hex');

/** A fresh key of each protocol, and what its PUTs and faults are answered. */
const PROTOCOLS = {
  gradle: { key: () => hex(), put: [200, 200], tooLarge: 200, readsOnly: 403, faults: [404, 200] },
  rush: { key: () => hex() + hex(), put: [200, 200], tooLarge: 200, readsOnly: 200, faults: [503, 200] },
  maven: {
    key: () => `v1.2/org.acme/shop-app/${hex()}/buildinfo.xml`,
    put: [201, 201],
    tooLarge: 413,
    readsOnly: 403,
    faults: [503, 503],
  },
  kv: { key: () => `some/${hex()}.tar`, put: [201, 200], tooLarge: 413, readsOnly: 403, faults: [503, 503] },
  webdav: { key: () => `a/b/c/${hex()}`, put: [201, 204], tooLarge: 413, readsOnly: 403, faults: [404, 503] },
} as const;

const folder = await openTempFolder();
const store = await LocalStore.open({ root: folder.path });
let rig: Rig;
before(async () => {
  rig = await Rig.start(store);
});
after(async () => {
  await rig[Symbol.asyncDispose]();
  await store.close();
  await folder[Symbol.asyncDispose]();
});

for (const [name, { key, put, tooLarge, readsOnly, faults }] of Object.entries(PROTOCOLS))
  describe(name, () => {
    const fresh = (base = ''): string => `/${name}/${base}${key()}`;

    test('what was put is got, whole or in part, below its tenant as at the root, and asked for with HEAD', async () => {
      const path = fresh();
      assert.equal(await rig.status('GET', path), 404);
      assert.equal(await rig.status('PUT', path, { body: 'what was built' }), put[0]);
      assert.equal(await rig.text(path), 'what was built');
      assert.equal(await rig.text(`/t/default${path}`), 'what was built');
      assert.equal(await rig.status('GET', path, { headers: { range: 'bytes=0-3' } }), 206);
      const asked = await rig.send('HEAD', path);
      assert.deepEqual([asked.status, asked.headers.get('content-length')], [200, '14']);
    });

    test('a base path of the client’s own parts its keys from others', async () => {
      const path = fresh();
      const below = path.replace(`/${name}/`, `/${name}/team-a/shop/`);
      await rig.status('PUT', below, { body: 'theirs' });
      assert.deepEqual([await rig.text(below), await rig.text(path)], ['theirs', 404]);
    });

    test(name === 'maven' ? 'the last write wins' : 'the first write wins', async () => {
      const path = fresh();
      assert.equal(await rig.status('PUT', path, { body: 'first' }), put[0]);
      assert.equal(await rig.status('PUT', path, { body: 'second' }), put[1]);
      assert.equal(await rig.text(path), name === 'maven' ? 'second' : 'first');
    });

    test('what a pull request writes neither main nor a laptop reads, and it hides nothing of main’s', async () => {
      const path = fresh();
      await rig.status('PUT', path, { token: 'pull-request', body: 'poison' });
      assert.equal(await rig.text(path, { token: 'pull-request' }), 'poison');
      for (const token of ['main', 'developer']) assert.equal(await rig.text(path, { token }), 404);
      await rig.status('PUT', path, { body: 'from main' });
      for (const token of ['main', 'developer', 'pull-request'])
        assert.equal(await rig.text(path, { token }), 'from main');
    });

    test('a token that only reads reads, and nothing of what it sends is stored', async () => {
      const path = fresh();
      assert.equal(await rig.status('PUT', path, { token: 'developer', body: 'x' }), readsOnly);
      assert.equal(await rig.status('GET', path, { token: 'developer' }), 404);
    });

    test('an unknown token, or one of another tenant, is 401 and asked for as Bearer or Basic', async () => {
      for (const [path, token] of [
        [fresh(), 'unknown'],
        [`/t/other${fresh()}`, 'main'],
      ] as const) {
        const reply = await rig.send('GET', path, { token });
        assert.equal(reply.status, 401);
        assert.equal(
          reply.headers.get('www-authenticate'),
          'Bearer realm="velocitycache", Basic realm="velocitycache"',
        );
      }
      const authorization = `Basic ${Buffer.from('anybody:main').toString('base64')}`;
      assert.equal(await rig.status('GET', fresh(), { headers: { authorization } }), 404);
    });

    test('what is no key is 400, and nothing of it is stored', async () => {
      for (const bent of [
        '..%2f..%2fobjects',
        'a%2F%2e%2e%2Fb',
        'a%00b',
        'a%5cb',
        'a//b',
        'ü',
        'a%20b',
        '%2e',
      ])
        assert.equal(await rig.status('PUT', `/${name}/${bent}`, { body: 'x' }), 400, bent);
    });

    test('an upload beyond the limit', async () => {
      const body = 'x'.repeat(LIMIT + 1);
      const path = fresh();
      const before = await rig.uploads(name, tooLarge === 200 ? 'dropped' : 'refused');
      assert.equal(await rig.status('PUT', path, { body }), tooLarge);
      assert.equal(await rig.uploads(name, tooLarge === 200 ? 'dropped' : 'refused'), before + 1);
      assert.equal(await rig.status('GET', path), 404);
    });

    test('a storage that fails: what it is told, and what really was', async () => {
      const failing = new StubStore();
      failing.failure = new VelocityError('STORAGE_UNAVAILABLE', 'The storage does not answer.');
      await using broken = await Rig.start(failing);
      for (const [method, status] of [
        ['GET', faults[0]],
        ['PUT', faults[1]],
        ['DELETE', 503],
      ] as const) {
        const sent = { token: 'admin', ...(method === 'PUT' ? { body: 'x' } : {}) };
        const reply = await broken.send(method, fresh(), sent);
        assert.equal(reply.status, status, method);
        assert.equal(
          reply.headers.get('x-velocity-error'),
          status === 503 ? null : 'STORAGE_UNAVAILABLE',
          method,
        );
      }
      assert.equal(await broken.uploads(name, 'failed'), 1);
      assert.equal(broken.log.filter(({ message }) => message === 'a request failed').length, 3);
    });

    test('only an admin deletes, and each time is in the audit log', async () => {
      const path = fresh();
      await rig.status('PUT', path, { body: 'x' });
      const seen = rig.log.length;
      const statuses = [];
      for (const token of ['developer', 'pull-request', 'main', 'admin', 'admin'])
        statuses.push(await rig.status('DELETE', path, { token }));
      assert.deepEqual(statuses, [403, 403, 403, 204, 404]);
      const lines = rig.log
        .slice(seen)
        .flatMap(({ audit }) => (audit === undefined ? [] : [audit as Record<string, unknown>]));
      assert.deepEqual(
        lines.map(({ who, result }) => `${who} ${result}`),
        [
          'developer refused',
          'pull-request refused',
          'main refused',
          ...['admin begun', 'admin done', 'admin begun', 'admin absent'],
        ],
      );
      assert.equal(lines.at(-1)?.['key'], path.slice(1));
      assert.equal(await rig.status('GET', path), 404);
    });
  });

describe('an entry larger than the limit', () => {
  test('Gradle is told 413 where it is to be refused', async () => {
    await using refusing = await Rig.start(store, { oversize: 'refuse' });
    assert.equal(await refusing.status('PUT', `/gradle/${hex()}`, { body: 'x'.repeat(LIMIT + 1) }), 413);
  });

  test('is taken to its end where it is dropped, with or without its length, and warned of once', async () => {
    await using dropping = await Rig.start(store);
    const pieces = 80;
    for (const announced of [true, false]) {
      const body = announced
        ? Buffer.alloc(pieces * 2 ** 20)
        : ReadableStream.from(Array.from({ length: pieces }, () => Buffer.alloc(2 ** 20)));
      const reply = await fetch((await dropping.send('GET', `/gradle/${hex()}`)).url, {
        method: 'PUT',
        headers: { authorization: 'Bearer main' },
        body,
        duplex: 'half',
      });
      assert.deepEqual([reply.status, reply.headers.get('x-velocity-error')], [200, 'BODY_TOO_LARGE']);
    }
    const told = dropping.log.filter(({ message }) => String(message).includes('dropped'));
    assert.deepEqual(
      told.map(({ code, times }) => [code, times]),
      [['BODY_TOO_LARGE', 1]],
    );
    assert.equal(await dropping.uploads('gradle', 'dropped'), 2);
  });
});

test('a large upload that lost the race is taken to its end', async () => {
  await using large = await Rig.start(store, { maxArtifactBytes: 2 ** 30 });
  const [path, body] = [`/gradle/${hex()}`, Buffer.alloc(80 * 2 ** 20)];
  for (const outcome of ['stored', 'exists']) {
    assert.equal(await large.status('PUT', path, { body }), 200);
    assert.equal(await large.uploads('gradle', outcome), 1);
  }
  await store.delete(parseObjectKey(path.slice(1)));
});

test('beyond its rate limit a client is told when to come again; Rush goes on without what it sent', async () => {
  await using limited = await Rig.start(store, { requests: 1 });
  assert.equal(await limited.status('GET', `/gradle/${hex()}`), 404);
  const reply = await limited.send('GET', `/gradle/${hex()}`);
  assert.deepEqual([reply.status, reply.headers.get('retry-after')], [429, '60']);
  assert.equal(await limited.status('PUT', `/rush/${hex()}`, { body: 'x' }), 200);
  assert.equal(await limited.uploads('rush', 'dropped'), 1);
});

test('Gradle is sent to the storage itself over https, from the version on that keeps its credentials to itself', async () => {
  const facts = {
    sizeBytes: 1,
    digest: undefined,
    contentType: undefined,
    etag: 'e',
    modifiedAt: 0,
    metadata: {},
  };
  class Presigning extends StubStore {
    readonly #url: string;
    constructor(url: string) {
      super();
      this.#url = url;
      this.facts = facts;
    }
    override async get(): Promise<Got> {
      return { facts, span: 'whole', body: Readable.from([Buffer.from('x')]) };
    }
    override async presign(): Promise<PresignedRequest> {
      return { url: this.#url, method: 'GET', headers: {} };
    }
  }
  for (const [url, version, status] of [
    ['https://bucket.example/signed', '', 200],
    ['https://bucket.example/signed', '4.4.1', 200],
    ['https://bucket.example/signed', '5.5.1', 200],
    ['https://bucket.example/signed', '5.6', 302],
    ['https://bucket.example/signed', '8.10-rc-1', 302],
    ['https://bucket.example/signed', '10.0', 302],
    ['http://bucket.example/signed', '8.10', 200],
  ] as const) {
    await using remote = await Rig.start(new Presigning(url));
    const headers: Record<string, string> = version === '' ? {} : { 'x-gradle-version': version };
    const reply = await remote.send('GET', `/gradle/${hex()}`, { headers });
    await reply.arrayBuffer();
    assert.deepEqual(
      [reply.status, reply.headers.get('location')],
      [status, status === 302 ? url : null],
      version,
    );
  }
});

test('bytes are counted whether their number was announced or not', async () => {
  await using counted = await Rig.start(store);
  const pieces = async function* () {
    yield Buffer.from('chunk');
    yield Buffer.from('ed');
  };
  await counted.status('PUT', `/kv/${hex()}`, { body: 'announced' });
  await counted.status('PUT', `/kv/${hex()}`, {
    body: Readable.toWeb(Readable.from(pieces())) as RequestInit['body'],
  });
  const written = /vc_cache_bytes_total\{protocol="kv",direction="write",route="proxied"\} (\d+)/;
  assert.equal(
    written.exec(await counted.registry.metrics())?.[1],
    String('announced'.length + 'chunked'.length),
  );
});

test('a path that is a key is one that a store can hold, and stays within its protocol', () => {
  const near = fc.stringMatching(/^[A-Za-z0-9._@+~=,/%\\ -]{0,40}$/);
  fc.assert(
    fc.property(fc.oneof(near, fc.string({ unit: 'grapheme' })), (path) => {
      if (!isKeyPath(path)) return;
      assert.equal(parseObjectKey(`kv/${path}`), new URL(`http://x/kv/${path}`).pathname.slice(1));
    }),
    { numRuns: 2000 },
  );
  assert.ok(!isKeyPath('x'.repeat(129)) && !isKeyPath('x/'.repeat(300)) && !isKeyPath(''));
});
