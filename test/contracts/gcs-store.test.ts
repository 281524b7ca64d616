import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { digestOf } from '../../src/base/digest.ts';
import { GcsStore, type GcsStoreOptions } from '../../src/storage/drivers/gcs/gcs-store.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import { freePort } from '../rig/free-port.ts';
import { GcsServer } from '../rig/gcs-server/gcs-server.ts';
import { TestIdentity } from '../rig/gcs-server/identity.ts';
import { HttpServer } from '../rig/http-server.ts';
import { ManualClock } from '../rig/manual-clock.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { describeObjectStore } from './object-store.ts';

const gcs = await GcsServer.start();
const folder = await openTempFolder();
after(() => Promise.all([gcs[Symbol.asyncDispose](), folder[Symbol.asyncDispose]()]));
const withKey = await gcs.keyEnv();
const withFederation = await gcs.federationEnv();
Object.assign(process.env, withKey);

const KEY = parseObjectKey('particular/key');

describeObjectStore(
  'gcs on the test server',
  async () => {
    const clock = new ManualClock(Date.now());
    const bucket = gcs.makeBucket();
    const store = new GcsStore({ bucket, endpoint: gcs.url, clock });
    const facts = { contentType: '', contentEncoding: undefined, cacheControl: undefined, metadata: {} };
    const putForeign = async (name: string): Promise<unknown> =>
      gcs.bucket(bucket).put({ ...facts, name, bytes: Buffer.alloc(0) }, undefined);
    return { store, clock, putForeign, [Symbol.asyncDispose]: () => store.close() };
  },
  { raceRounds: 20, presign: 'exact' },
);

describe('gcs: objects', () => {
  test('an object packed with gzip is read as it is stored, whole and in part', async () => {
    await using opened = openStore();
    const packed = gzipSync(randomBytes(100));
    const facts = {
      contentType: 'text/plain',
      contentEncoding: 'gzip',
      cacheControl: undefined,
      metadata: {},
    };
    gcs.bucket(opened.bucket).put({ ...facts, name: KEY, bytes: packed }, undefined);
    assert.equal((await opened.store.head(KEY))?.sizeBytes, packed.length);
    assert.deepEqual(await read(opened.store), packed);
    const part = await opened.store.get(KEY, { from: 2, to: 5 });
    assert.ok(part !== undefined && part !== 'unsatisfiable');
    assert.deepEqual(await buffer(part.body), packed.subarray(2, 6));
  });

  test('a write that GCS refuses before its body’s end is told so, and the body stays the caller’s', async () => {
    await using opened = openStore();
    await opened.store.put(KEY, Buffer.from('first'), { ifAbsent: true });
    const block = randomBytes(1024 * 1024);
    const body = Readable.from(Array.from({ length: 64 }, () => block));
    const whole = Buffer.concat(Array.from({ length: 64 }, () => block));
    const announced = { sizeBytes: whole.length, digest: digestOf(whole) };
    assert.equal(await opened.store.put(KEY, body, { ifAbsent: true, ...announced }), 'exists');
    assert.equal(body.destroyed && body.errored !== null, false);
    body.destroy();
    assert.equal((await read(opened.store))?.toString(), 'first');
  });

  test('an upload whose body fails is ended, not left open', async () => {
    const arrived = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<boolean>();
    await using server = await HttpServer.start((request) => {
      arrived.resolve();
      request.resume().once('close', () => ended.resolve(request.complete));
    });
    await using opened = openStore({ endpoint: server.url });
    const breaking = Readable.from(
      (async function* () {
        yield randomBytes(40_000);
        yield randomBytes(40_000); // the last chunk is held back until the digest is right
        await arrived.promise;
        throw new Error('the upload broke off');
      })(),
    );
    const announced = { sizeBytes: 100_000, digest: digestOf('x') };
    await assert.rejects(opened.store.put(KEY, breaking, { ifAbsent: true, ...announced }), /broke off/);
    assert.equal(await ended.promise, false);
  });

  test('a reply that is cut short fails the body', async () => {
    await using server = await HttpServer.start((_, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write(Buffer.alloc(500), () => response.destroy());
    });
    await using opened = openStore({ endpoint: server.url });
    await assert.rejects(read(opened.store), { code: 'ECONNRESET' });
  });
});

describe('gcs: signed URLs', () => {
  test('a signed PUT without its condition, with another length or with more x-goog headers is refused', async () => {
    await using opened = openStore();
    const body = Buffer.from('0123456789');
    const request = { method: 'PUT', ttlSeconds: 60, ifAbsent: true } as const;
    const signed = await opened.store.presign(KEY, {
      ...request,
      sizeBytes: body.length,
      digest: digestOf(body),
    });
    const { 'x-goog-if-generation-match': _, ...unconditional } = signed.headers;
    const send = async (headers: Record<string, string>, bytes = body): Promise<number> => {
      const reply = await fetch(signed.url, { method: 'PUT', headers, body: bytes });
      await reply.arrayBuffer();
      return reply.status;
    };
    assert.equal(await send(unconditional), 400);
    assert.equal(await send(signed.headers, body.subarray(1)), 400);
    assert.equal(await send({ ...signed.headers, 'x-goog-storage-class': 'ARCHIVE' }), 403);
    assert.equal(await opened.store.head(KEY), undefined);
    assert.equal(await send(signed.headers), 200);
  });

  test('without a key IAM signs, and the URL is as good', async () => {
    await using opened = openStore({}, withFederation);
    await opened.store.probe();
    await opened.store.put(KEY, Buffer.from('federated'), { ifAbsent: true });
    const signed = await opened.store.presign(KEY, { method: 'GET', ttlSeconds: 60 });
    assert.equal(await (await fetch(signed.url)).text(), 'federated');
  });

  test('credentials that may not sign say so', async () => {
    await using opened = openStore({}, withFederation);
    gcs.identity.maySign = false;
    try {
      const presigned = opened.store.presign(KEY, { method: 'GET', ttlSeconds: 60 });
      await assert.rejects(presigned, { code: 'STORAGE_FAILED', message: /sign a URL.*credentials.* 403/ });
    } finally {
      gcs.identity.maySign = true;
    }
  });
});

describe('gcs: what an operator is told', () => {
  test('of a bucket that does not exist', async () => {
    await using opened = openStore({ bucket: 'no-such-bucket' });
    await assert.rejects(opened.store.probe(), {
      code: 'STORAGE_UNAVAILABLE',
      message: 'The bucket "no-such-bucket" does not exist.',
    });
    await assert.rejects(opened.store.get(KEY), { code: 'STORAGE_FAILED', message: /NoSuchBucket/ });
  });

  test('of permissions that are missing', async () => {
    await using opened = openStore();
    for (const permission of ['storage.objects.create', 'storage.objects.delete']) {
      gcs.permissions.delete(permission);
    }
    try {
      await assert.rejects(opened.store.probe(), {
        code: 'STORAGE_FAILED',
        message: new RegExp(
          `lack storage.objects.create, storage.objects.delete on the bucket "${opened.bucket}": grant them roles/storage.objectUser`,
        ),
      });
      const put = opened.store.put(KEY, Buffer.from('x'), { ifAbsent: true });
      await assert.rejects(put, {
        code: 'STORAGE_FAILED',
        message: /403 AccessDenied\. Check the credentials/,
      });
    } finally {
      gcs.permissions.add('storage.objects.create').add('storage.objects.delete');
    }
  });

  test('where it is only to read, of permissions to read alone', async () => {
    await using opened = openStore({ probes: 'reads' });
    gcs.permissions.delete('storage.objects.create');
    gcs.permissions.delete('storage.objects.delete');
    try {
      await opened.store.probe();
      gcs.permissions.delete('storage.objects.get');
      await assert.rejects(opened.store.probe(), {
        message: /lack storage\.objects\.get on the bucket .*: grant them roles\/storage\.objectViewer/,
      });
    } finally {
      for (const verb of ['create', 'delete', 'get']) gcs.permissions.add(`storage.objects.${verb}`);
    }
  });

  test('of a key that is not, or no longer, the account’s', async () => {
    const file = await new TestIdentity().writeKeyFile(folder.path);
    await using opened = openStore({}, { GOOGLE_APPLICATION_CREDENTIALS: file });
    await assert.rejects(opened.store.probe(), {
      code: 'STORAGE_FAILED',
      message: /401.*Check the credentials/,
    });
    await assert.rejects(opened.store.head(KEY), { code: 'STORAGE_FAILED', message: /401/ });
  });

  test('of a credentials file that is not there, or is none', async () => {
    const missing = join(folder.path, 'missing.json');
    await using absent = openStore({}, { GOOGLE_APPLICATION_CREDENTIALS: missing });
    await assert.rejects(absent.store.probe(), {
      code: 'STORAGE_FAILED',
      message: /credentials file cannot be read \(ENOENT\)/,
    });
    const garbage = join(folder.path, 'garbage.json');
    await writeFile(garbage, '{"private_key": broken');
    await using broken = openStore({}, { GOOGLE_APPLICATION_CREDENTIALS: garbage });
    await assert.rejects(broken.store.probe(), { code: 'STORAGE_FAILED', message: /not JSON/ });
  });

  test('at once, where there are no credentials and no metadata server', async () => {
    await using opened = openStore({}, { ...nowhere(), METADATA_SERVER_DETECTION: 'none' });
    await assert.rejects(opened.store.probe(), {
      code: 'STORAGE_FAILED',
      message: /no usable Google credentials: set GOOGLE_APPLICATION_CREDENTIALS/,
    });
  });

  test('after ten seconds, where the metadata server never answers', async () => {
    const asked = Promise.withResolvers<void>();
    await using silent = await HttpServer.start(() => asked.resolve());
    const clock = new ManualClock();
    await using opened = openStore(
      { clock },
      {
        ...nowhere(),
        METADATA_SERVER_DETECTION: 'assume-present',
        GCE_METADATA_HOST: new URL(silent.url).host,
      },
    );
    const probe = opened.store.probe();
    await asked.promise;
    clock.advance(10_000);
    await assert.rejects(probe, {
      code: 'STORAGE_UNAVAILABLE',
      message: /no Google credentials within 10 s/,
    });
  });

  test('of a GCS that is unwell, refuses for now, is silent or not there', async () => {
    const replies: [number, string][] = [
      [503, 'STORAGE_UNAVAILABLE'],
      [429, 'STORAGE_UNAVAILABLE'],
      [400, 'STORAGE_FAILED'],
    ];
    for (const [status, code] of replies) {
      await using server = await HttpServer.start((_, response) => response.writeHead(status).end());
      await using opened = openStore({ endpoint: server.url });
      await assert.rejects(opened.store.head(KEY), {
        code,
        message: new RegExp(`look at ${KEY}.* ${status}`),
      });
    }
    await using absent = openStore({ endpoint: `http://127.0.0.1:${await freePort()}` });
    await assert.rejects(absent.store.head(KEY), { code: 'STORAGE_UNAVAILABLE', message: /ECONNREFUSED/ });

    const asked = Promise.withResolvers<void>();
    await using silent = await HttpServer.start(() => asked.resolve());
    const clock = new ManualClock();
    await using opened = openStore({ endpoint: silent.url, clock });
    const head = opened.store.head(KEY);
    await asked.promise;
    clock.advance(60_000);
    await assert.rejects(head, {
      code: 'STORAGE_UNAVAILABLE',
      message: /GCS cannot be reached \(ETIMEDOUT\)/,
    });
  });

  test('of an answer that is not GCS’s, such as a proxy’s page, without quoting it', async () => {
    await using proxy = await HttpServer.start((_, response) => response.end('<html>do-not-tell</html>'));
    await using opened = openStore({ endpoint: proxy.url });
    const error = await opened.store.probe().catch((why: unknown) => why);
    assert.match(String(error), /GCS answered 200 NotJson\.$/);
    assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), /do-not-tell/);
  });

  test('and never a token, a key or a signature', async () => {
    const seen: string[] = [];
    const secretsOf = (request: IncomingMessage): void => {
      seen.push((request.headers.authorization ?? '').replace('Bearer ', ''));
    };
    const scripts: ((request: IncomingMessage, response: ServerResponse) => unknown)[] = [
      (_, response) => response.writeHead(401).end(),
      (_, response) => response.writeHead(500).end('<Code>InternalError</Code>'),
      (request) => request.destroy(),
    ];
    const failures: unknown[] = [];
    for (const script of scripts) {
      await using server = await HttpServer.start((request, response) => {
        secretsOf(request);
        return script(request, response);
      });
      await using opened = openStore({ endpoint: server.url });
      const attempts = [
        opened.store.head(KEY),
        opened.store.put(KEY, Buffer.from('x'), { ifAbsent: true }),
        opened.store.probe(),
      ];
      for (const attempt of await Promise.allSettled(attempts)) {
        failures.push(attempt.status === 'rejected' ? attempt.reason : 'none');
      }
    }
    await using refusing = await HttpServer.start((_, response) => response.writeHead(403).end());
    const federation = await gcs.identity.writeFederationFile(folder.path, refusing.url);
    await using unfederated = openStore({}, { GOOGLE_APPLICATION_CREDENTIALS: federation });
    failures.push(await unfederated.store.probe().catch((error: unknown) => error));

    const told = inspect(failures, { depth: 10, showHidden: true });
    const secrets = [...seen, gcs.identity.privateKeyPem.split('\n')[1] ?? '', 'a-token-of-the-ci', 'Bearer'];
    assert.equal(seen.length, 9);
    assert.equal(failures.filter((failure) => failure instanceof Error).length, 10);
    for (const secret of secrets) assert.ok(secret.length > 5 && !told.includes(secret), secret);
  });
});

/** No file where Google's libraries look for one. */
function nowhere(): Record<string, string> {
  return { GOOGLE_APPLICATION_CREDENTIALS: '', CLOUDSDK_CONFIG: join(folder.path, 'nothing') };
}

/** A store of its own bucket; credentials are looked for in `env` as long as it is open. */
function openStore(
  options: Partial<GcsStoreOptions> = {},
  env: Readonly<Record<string, string>> = {},
): AsyncDisposable & { store: GcsStore; bucket: string } {
  const bucket = options.bucket ?? gcs.makeBucket();
  const iamEndpoint = `${gcs.url}/v1/projects/-/serviceAccounts/`;
  const before = { ...process.env };
  Object.assign(process.env, env);
  const store = new GcsStore({ endpoint: gcs.url, iamEndpoint, ...options, bucket });
  return {
    store,
    bucket,
    async [Symbol.asyncDispose]() {
      for (const name of Object.keys(env)) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
      }
      await store.close();
    },
  };
}

async function read(store: GcsStore): Promise<Buffer | undefined> {
  const got = await store.get(KEY);
  return got === undefined || got === 'unsatisfiable' ? undefined : buffer(got.body);
}
