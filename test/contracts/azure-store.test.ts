import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import {
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { digestOf } from '../../src/base/digest.ts';
import { Secret } from '../../src/base/secret.ts';
import { azureAccess } from '../../src/storage/drivers/azure/azure-credentials.ts';
import { AzureStore, type AzureStoreOptions } from '../../src/storage/drivers/azure/azure-store.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import type { ObjectStore, PresignedRequest } from '../../src/storage/store.ts';
import { Azurite } from '../rig/azurite.ts';
import { ManualClock } from '../rig/manual-clock.ts';
import { makeTestCertificate } from '../rig/test-certificate.ts';
import { describeObjectStore } from './object-store.ts';

let azurite: Azurite;
before(async () => {
  azurite = await Azurite.start();
});
after(() => azurite[Symbol.asyncDispose]());

const KEY = parseObjectKey('objects/one');
const BODY = Buffer.from('the first');

function accountKey(key = azurite.key): AzureStoreOptions['credential'] {
  return { kind: 'key', key: new StorageSharedKeyCredential(azurite.account, key) };
}

/** A SAS for all that a store does in a container. */
function containerSas(containerName: string, permissions = 'rcwdl'): string {
  return generateBlobSASQueryParameters(
    {
      containerName,
      permissions: ContainerSASPermissions.parse(permissions),
      expiresOn: new Date(Date.now() + 3_600_000),
    },
    new StorageSharedKeyCredential(azurite.account, azurite.key),
  ).toString();
}

async function openStore(changes: Partial<AzureStoreOptions> = {}): Promise<AzureStore> {
  const container = changes.container ?? (await azurite.makeContainer());
  return new AzureStore({ endpoint: azurite.endpoint, credential: accountKey(), ...changes, container });
}

async function textAt(store: ObjectStore): Promise<string | undefined> {
  const got = await store.get(KEY);
  return got && got !== 'unsatisfiable' ? (await buffer(got.body)).toString() : undefined;
}

async function firstListed(store: ObjectStore): Promise<unknown> {
  for await (const listed of store.list({ prefix: '' })) return listed;
  return undefined;
}

async function presignedPut(store: ObjectStore): Promise<PresignedRequest> {
  const digest = digestOf(BODY);
  const signed = await store.presign(KEY, { method: 'PUT', ttlSeconds: 60, ifAbsent: true, digest });
  assert.ok(signed);
  return signed;
}

describeObjectStore(
  'azure on azurite, with the account’s key',
  async () => {
    const clock = new ManualClock(Date.now());
    const container = await azurite.makeContainer();
    const store = await openStore({ container, clock });
    const putForeign = (name: string): Promise<void> => azurite.putBlob(container, name);
    return { store, clock, putForeign, [Symbol.asyncDispose]: () => store.close() };
  },
  { raceRounds: 20, presign: 'key' },
);

describeObjectStore(
  'azure on azurite, with a SAS alone',
  async () => {
    const container = await azurite.makeContainer();
    const sas = new Secret(`?${containerSas(container)}`);
    const store = await openStore({ container, credential: { kind: 'sas', sas } });
    return { store, [Symbol.asyncDispose]: () => store.close() };
  },
  { raceRounds: 2, presign: 'none' },
);

describe('an Azure store', () => {
  test('hands out upload URLs that no request can overwrite with', async () => {
    const store = await openStore();
    const { url, headers } = await presignedPut(store);
    await store.put(KEY, BODY, { ifAbsent: true });
    const { 'if-none-match': condition, ...unconditional } = headers;
    assert.equal(condition, '*');
    const attempts: [string, string, Record<string, string>][] = [
      ['as signed', 'PUT', headers],
      ['without its condition', 'PUT', unconditional],
      ['with another condition', 'PUT', { ...unconditional, 'if-match': '*' }],
      [
        'as an append blob',
        'PUT',
        { ...unconditional, 'x-ms-blob-type': 'AppendBlob', 'content-length': '0' },
      ],
      ['its metadata', 'PUT&comp=metadata', { 'x-ms-meta-sha256': digestOf('other') }],
      ['its properties', 'PUT&comp=properties', { 'x-ms-blob-content-type': 'text/html' }],
      ['a deletion', 'DELETE', {}],
    ];
    const earlier = await store.head(KEY);
    for (const [what, action, sent] of attempts) {
      const [method = '', ...query] = action.split('&');
      const body = method === 'PUT' && query.length === 0 && !sent['content-length'] ? 'another' : null;
      const reply = await fetch([url, ...query].join('&'), { method, headers: sent, body });
      assert.ok(reply.status >= 400 && reply.status < 500, `${what}: ${reply.status}`);
    }
    assert.deepEqual(await store.head(KEY), earlier);
    assert.equal(await textAt(store), BODY.toString());
    await store.close();
  });

  test('signs one permission and no more: read, create, or write where overwriting was asked for', async () => {
    const store = await openStore();
    const terms = [
      [{ method: 'GET' }, 'r'],
      [{ method: 'PUT', ifAbsent: true }, 'c'],
      [{ method: 'PUT' }, 'w'],
    ] as const;
    for (const [request, permission] of terms) {
      const signed = await store.presign(KEY, { ttlSeconds: 60, ...request });
      const query = new URL(signed?.url ?? '').searchParams;
      assert.deepEqual([query.get('sp'), query.get('sr')], [permission, 'b']);
    }
    const hint = { method: 'PUT', ttlSeconds: 60, sizeBytes: 5_000 * 2 ** 20 } as const;
    assert.ok(await store.presign(KEY, hint));
    assert.equal(
      await store.presign(KEY, { ...hint, sizeBytes: hint.sizeBytes + 1 }),
      undefined,
      'a body that takes several requests is not for one URL',
    );
    await store.close();
  });

  test('binds URLs to https where its endpoint is https', async () => {
    const store = new AzureStore({
      endpoint: 'https://account.blob.core.windows.net',
      container: 'container',
      credential: accountKey(),
    });
    assert.equal(new URL((await presignedPut(store)).url).searchParams.get('spr'), 'https');
    await store.close();
  });

  test('says that a key is taken where its SAS may create and not write', async () => {
    const container = await azurite.makeContainer();
    const full = await openStore({ container });
    const sas = new Secret(containerSas(container, 'rc'));
    const creating = await openStore({ container, credential: { kind: 'sas', sas } });
    assert.equal(await creating.put(KEY, BODY, { ifAbsent: true }), 'stored');
    const second = await creating.put(KEY, BODY, { ifAbsent: true }).catch((error: unknown) => error);
    // Azure says UnauthorizedBlobOverwrite; azurite the same as of every missing permission.
    assert.ok(second === 'exists' || /AuthorizationPermissionMismatch/.test(String(second)));
    assert.equal(await textAt(full), BODY.toString());
    await Promise.all([full.close(), creating.close()]);
  });

  test('keeps metadata of any name and gives it back', async () => {
    const store = await openStore();
    const metadata = { 'duration-ms': '1', snake_case: 'two', '7zip': '3', 'a.b~c!': 'x=y; z', _2d: '-' };
    await store.put(KEY, BODY, { ifAbsent: true, metadata });
    assert.deepEqual((await store.head(KEY))?.metadata, metadata);
    await store.close();
  });

  describe('for bodies larger than one request takes', () => {
    /** Above the limit set here, and more than one block. */
    const large = randomBytes(17 * 2 ** 20);
    const known = { ifAbsent: true, sizeBytes: large.length, digest: digestOf(large) };
    const stream = (): Readable => Readable.from([large.subarray(0, 9e6), large.subarray(9e6)]);
    let store: AzureStore;
    before(async () => {
      store = await openStore({ putBlobBytes: 1024 });
    });
    after(() => store.close());

    test('blocks are put together to the same object, and the first write wins', async () => {
      const facts = { metadata: { task: 'web#build' }, contentType: 'application/zstd' };
      const key = parseObjectKey('large');
      assert.equal(await store.put(key, stream(), { ...known, ...facts }), 'stored');
      assert.equal(await store.put(key, stream(), known), 'exists');
      const got = await store.get(key);
      assert.ok(got && got !== 'unsatisfiable');
      assert.equal(digestOf(await buffer(got.body)), known.digest);
      const { digest, metadata, contentType } = got.facts;
      assert.deepEqual({ digest, metadata, contentType }, { digest: known.digest, ...facts });
    });

    test('of writers at once one stores, whole', { timeout: 60_000 }, async () => {
      const key = parseObjectKey('large-race');
      const bodies = [1, 2, 3].map((fill) => Buffer.alloc(large.length, fill));
      const digests = bodies.map(digestOf);
      const outcomes = await Promise.all(
        bodies.map((body, index) => {
          const announced = { sizeBytes: body.length, digest: digests[index] };
          return store.put(key, Readable.from([body]), { ifAbsent: true, ...announced });
        }),
      );
      assert.deepEqual(outcomes.toSorted(), ['exists', 'exists', 'stored']);
      const got = await store.get(key);
      assert.ok(got && got !== 'unsatisfiable');
      assert.equal(digestOf(await buffer(got.body)), digests[outcomes.indexOf('stored')]);
    });

    test('a wrong digest, a body that breaks off and an aborted write leave nothing', async () => {
      const key = parseObjectKey('large-broken');
      const wrong = store.put(key, stream(), { ...known, digest: digestOf('other') });
      await assert.rejects(wrong, { code: 'DIGEST_MISMATCH' });
      const breaking = Readable.from(
        (async function* () {
          yield large.subarray(0, 9e6);
          throw new Error('the upload broke off');
        })(),
      );
      await assert.rejects(store.put(key, breaking, known), /broke off/);
      await assert.rejects(store.put(key, stream(), { ...known, signal: AbortSignal.abort() }), {
        name: 'AbortError',
      });
      assert.equal(await store.head(key), undefined);
    });
  });
});

describe('an Azure store in trouble', () => {
  const NOBODY = 'http://127.0.0.1:1/account';
  const WRONG_KEY = Buffer.from('a key of another account').toString('base64');

  test('says in its probe what an operator can do about it', async () => {
    const absent = await openStore({ container: 'not-there' });
    await assert.rejects(absent.probe(), {
      code: 'STORAGE_UNAVAILABLE',
      message:
        /^Could not reach the container "not-there": Azure answered 404 ContainerNotFound .*VC_AZURE_CONTAINER\.$/,
    });
    const wrong = await openStore({ credential: accountKey(WRONG_KEY) });
    await assert.rejects(wrong.probe(), { code: 'STORAGE_FAILED', message: /answered 403 .*VC_AZURE_KEY/ });
    const nobody = await openStore({ endpoint: NOBODY });
    await assert.rejects(nobody.probe(), {
      code: 'STORAGE_UNAVAILABLE',
      message:
        /cannot be reached \(ECONNREFUSED\)\. Check VC_AZURE_ENDPOINT or VC_AZURE_CONNECTION_STRING\.$/,
    });
    await Promise.all([absent, wrong, nobody].map((store) => store.close()));
  });

  test('throws where the container is missing, and never calls that a miss or a stored object', async () => {
    const store = await openStore({ container: 'not-there' });
    const calls = {
      head: () => store.head(KEY),
      get: () => store.get(KEY),
      'get of its end': () => store.get(KEY, { lastBytes: 1 }),
      put: () => store.put(KEY, BODY, { ifAbsent: true }),
      delete: () => store.delete(KEY),
      list: () => firstListed(store),
    };
    for (const [name, call] of Object.entries(calls))
      await assert.rejects(call(), { code: 'STORAGE_UNAVAILABLE', message: /ContainerNotFound/ }, name);
    await store.close();
  });

  test('shows no key, SAS or signature in any error, to its last property', async () => {
    const container = await azurite.makeContainer();
    const sas = containerSas(container, 'r');
    const signature = new URLSearchParams(sas).get('sig') ?? '';
    const altered = sas.replace(/sig=..../, 'sig=AAAA');
    const stores = await Promise.all([
      openStore({ container, credential: accountKey(WRONG_KEY) }),
      openStore({ endpoint: NOBODY }),
      openStore({ endpoint: NOBODY, container, credential: { kind: 'sas', sas: new Secret(sas) } }),
      openStore({ container, credential: { kind: 'sas', sas: new Secret(altered) } }),
      openStore({ container: 'not-there' }),
    ]);
    const shown: string[] = [];
    for (const store of stores) {
      const calls = [
        () => store.probe(),
        () => store.get(KEY),
        () => store.put(KEY, BODY, { ifAbsent: true }),
        () => store.put(KEY, Readable.from([BODY]), { ifAbsent: false }),
        () => firstListed(store),
      ];
      for (const call of calls)
        await call().then(
          () => assert.fail('a store in trouble throws'),
          (error: unknown) => shown.push(inspect(error, { depth: 10, showHidden: true })),
        );
      await store.close();
    }
    const secrets = [azurite.key, WRONG_KEY, 'SharedKey', 'sig=', signature, encodeURIComponent(signature)];
    const text = shown.join('\n');
    for (const secret of [...secrets, altered.slice(-20)]) assert.ok(!text.includes(secret), secret);
    assert.equal(shown.length, 25);
  });

  test('gives up on a reply that does not come within a minute of the last byte sent', {
    timeout: 20_000,
  }, async () => {
    const silent = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => silent.emit('received'));
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const endpoint = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/account`;
    const clock = new ManualClock();
    const store = await openStore({ endpoint, clock });
    const late = { code: 'STORAGE_UNAVAILABLE', message: /ETIMEDOUT/ };
    const asked = once(silent, 'received');
    const looking = store.head(KEY);
    await asked;
    clock.advance(60_000);
    await assert.rejects(looking, late);

    const rest = Promise.withResolvers<void>();
    const body = Readable.from(
      (async function* () {
        yield Buffer.from('a');
        yield Buffer.from('slow');
        await rest.promise;
        yield Buffer.from('body');
      })(),
    );
    const known = { ifAbsent: true, sizeBytes: 9, digest: digestOf('aslowbody') };
    const begun = once(silent, 'received');
    const [putting, ended] = [store.put(KEY, body, known), once(body, 'end')];
    await begun;
    clock.advance(600_000); // an upload may take as long as it takes
    assert.ok(await isPending(putting));
    rest.resolve();
    await ended;
    const failed = assert.rejects(putting, late);
    while (await isPending(failed)) clock.advance(60_000);
    await failed;
    await store.close();
    silent.close();
  });

  test('fails the body of an object that Azure cuts short, and asks for no more of it', async () => {
    let requests = 0;
    const cutting = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', () => {
        requests++;
        const head = 'HTTP/1.1 200 OK\r\nETag: "1"\r\nLast-Modified: Sat, 21 Nov 2026 08:00:00 GMT\r\n';
        socket.end(`${head}Content-Length: 1000\r\n\r\n${'x'.repeat(500)}`);
      });
    });
    cutting.listen(0, '127.0.0.1');
    await once(cutting, 'listening');
    const port = (cutting.address() as AddressInfo).port;
    const store = await openStore({ endpoint: `http://127.0.0.1:${port}/account` });
    const got = await store.get(KEY);
    assert.ok(got && got !== 'unsatisfiable');
    await assert.rejects(buffer(got.body));
    assert.equal(requests, 1);
    await store.close();
    cutting.close();
  });
});

/** Whether a promise is still open after the event loop went round. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol('open');
  const round = new Promise((resolve) => setImmediate(resolve, open));
  return (await Promise.race([promise, round])) === open;
}

describe('the settings of the azure driver', () => {
  const settings = (given: Record<string, string | undefined>): Parameters<typeof azureAccess>[0] => {
    const secretOf = (value: string | undefined) => (value === undefined ? undefined : new Secret(value));
    return {
      container: 'container' in given ? given['container'] : 'c',
      account: given['account'],
      endpoint: given['endpoint'],
      key: secretOf(given['key']),
      sas: secretOf(given['sas']),
      connectionString: secretOf(given['connection']),
    };
  };
  const named = (setting: string): string => `VC_AZURE_${setting.toUpperCase()}`;
  const connectionTo = (what: string): string =>
    `DefaultEndpointsProtocol=http;BlobEndpoint=${azurite.endpoint};${what}`;

  test('a connection string with its endpoint opens the container, by key and by SAS', async () => {
    const container = await azurite.makeContainer();
    const strings = [
      [connectionTo(`AccountName=${azurite.account};AccountKey=${azurite.key}`), 'key'],
      [connectionTo(`SharedAccessSignature=${containerSas(container)}`), 'none'],
    ] as const;
    for (const [connection, presign] of strings) {
      const access = await azureAccess(settings({ container, connection }), named);
      assert.equal(access.endpoint, azurite.endpoint);
      const store = new AzureStore(access);
      await store.probe();
      assert.equal(await store.put(KEY, BODY, { ifAbsent: false }), 'stored');
      assert.equal(store.capabilities.presign, presign);
      await store.close();
    }
  });

  test('account and key, account and SAS, and an account alone name three kinds of credential', async () => {
    const cases = [
      [{ account: 'acct', key: 'a2V5' }, 'key', 'https://acct.blob.core.windows.net'],
      [{ account: 'acct', sas: 'sv=1&sig=x' }, 'sas', 'https://acct.blob.core.windows.net'],
      [{ endpoint: 'https://blobs.example/', sas: 'sv=1&sig=x' }, 'sas', 'https://blobs.example'],
      [{ account: 'acct' }, 'token', 'https://acct.blob.core.windows.net'],
    ] as const;
    for (const [given, kind, endpoint] of cases) {
      const access = await azureAccess(settings(given), named);
      assert.deepEqual([access.credential.kind, access.endpoint], [kind, endpoint]);
    }
  });

  test('what is missing or contradicts itself is refused by the name of its variable', async () => {
    const connection = connectionTo(`AccountName=${azurite.account};AccountKey=${azurite.key}`);
    const cases: [Record<string, string | undefined>, RegExp][] = [
      [{ container: undefined, account: 'acct' }, /set VC_AZURE_CONTAINER/],
      [{}, /VC_AZURE_ACCOUNT, VC_AZURE_ENDPOINT or VC_AZURE_CONNECTION_STRING/],
      [{ account: 'acct', key: 'k3y-text', sas: 'sig=s4s-text' }, /VC_AZURE_KEY and VC_AZURE_SAS/],
      [{ endpoint: 'https://blobs.example', key: 'k3y-text' }, /set VC_AZURE_ACCOUNT/],
      [{ endpoint: 'https://blobs.example' }, /set VC_AZURE_ACCOUNT too/],
      [{ endpoint: 'http://blobs.example' }, /VC_AZURE_ENDPOINT to an https address/],
      [{ connection, key: 'k3y-text', sas: 'sig=s4s-text' }, /leave out VC_AZURE_KEY and VC_AZURE_SAS/],
      [{ connection, endpoint: 'https://blobs.example' }, /leave out VC_AZURE_ENDPOINT/],
      [{ connection, account: 'another' }, /VC_AZURE_ACCOUNT says "another"/],
      [{ connection: 'k3y-text' }, /VC_AZURE_CONNECTION_STRING cannot be read/],
      [{ connection: 'AccountName=a;AccountKey=' }, /VC_AZURE_CONNECTION_STRING cannot be read/],
    ];
    for (const [given, expected] of cases) {
      const error = await azureAccess(settings(given), named).then(
        () => assert.fail(`${expected}`),
        (why: unknown) => why,
      );
      assert.equal((error as { code: string }).code, 'DRIVER_UNAVAILABLE');
      assert.match(String(error), expected);
      assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), /k3y-text|s4s-text/);
    }
  });
});

const certificate = await makeTestCertificate();
after(() => ('skip' in certificate ? undefined : certificate[Symbol.asyncDispose]()));

describe('an Azure store with an identity', {
  skip: 'skip' in certificate ? certificate.skip : false,
}, () => {
  let guarded: Azurite;
  let store: AzureStore;
  let clock: ManualClock;
  const OBJECT_ID = '6e5a0c1e-7b52-4f0e-9c0b-1d2f3a4b5c6d';

  before(async () => {
    assert.ok(!('skip' in certificate));
    guarded = await Azurite.start(certificate);
    const token = {
      getToken: async () => ({ token: tokenOf(OBJECT_ID), expiresOnTimestamp: Date.now() + 3.6e6 }),
    };
    const container = await guarded.makeContainer();
    // Read here, not where the suite is declared: the server compares what is signed with its own clock, and by now the suites
    // before this one may have run for longer than a URL is good.
    clock = new ManualClock(Date.now());
    store = new AzureStore({
      endpoint: guarded.endpoint,
      container,
      credential: { kind: 'token', token, account: guarded.account },
      clock,
    });
  });
  after(async () => {
    await store.close();
    await guarded[Symbol.asyncDispose]();
  });

  test('signs URLs in that identity’s name, for the first write alone', async () => {
    await store.probe();
    const upload = await presignedPut(store);
    assert.equal(new URL(upload.url).searchParams.get('skoid'), OBJECT_ID);
    const send = (): Promise<Response> =>
      fetch(upload.url, { method: 'PUT', headers: upload.headers, body: BODY });
    assert.equal((await send()).status, 201);
    assert.ok((await send()).status >= 400);
    assert.equal((await store.head(KEY))?.digest, digestOf(BODY));
    const download = await store.presign(KEY, { method: 'GET', ttlSeconds: 60 });
    assert.equal(await (await fetch(download?.url ?? '')).text(), BODY.toString());
  });

  test('signs no URL beyond what a delegation key can cover', async () => {
    const signed = await store.presign(KEY, { method: 'GET', ttlSeconds: 30 * 24 * 3600 });
    const query = new URL(signed?.url ?? '').searchParams;
    const [expiry, keyExpiry] = ['se', 'ske'].map((name) => Date.parse(query.get(name) ?? ''));
    assert.ok(expiry !== undefined && keyExpiry !== undefined && expiry <= keyExpiry);
    assert.ok(keyExpiry < clock.now() + 7 * 24 * 3_600_000);
  });

  test('says what an identity without a token needs, and shows no token', async () => {
    const unavailable = Object.assign(new Error('no identity here\nat length'), {
      name: 'CredentialUnavailableError',
    });
    const token = { getToken: () => Promise.reject(unavailable) };
    const lost = new AzureStore({
      endpoint: guarded.endpoint,
      container: 'container',
      credential: { kind: 'token', token, account: guarded.account },
    });
    await assert.rejects(lost.probe(), {
      code: 'STORAGE_UNAVAILABLE',
      message: /gave no token\. Give this machine an identity/,
      cause: new Error('no identity here\nat length'),
    });
    const stranger = {
      getToken: async () => ({ token: 'not.a.token', expiresOnTimestamp: Date.now() + 3.6e6 }),
    };
    const refused = new AzureStore({
      endpoint: guarded.endpoint,
      container: 'container',
      credential: { kind: 'token', token: stranger, account: guarded.account },
    });
    const error = await refused.probe().catch((why: unknown) => why);
    assert.match(String(error), /answered 40[13]/);
    assert.doesNotMatch(inspect(error, { depth: 10, showHidden: true }), /not\.a\.token|Bearer/);
    await Promise.all([lost.close(), refused.close()]);
  });
});

/** As Microsoft Entra would issue it. azurite reads tokens and takes anybody's signature. */
function tokenOf(objectId: string): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    aud: 'https://storage.azure.com',
    iss: 'https://sts.windows.net/00000000-0000-0000-0000-000000000000/',
    iat: now - 60,
    nbf: now - 60,
    exp: now + 3600,
    oid: objectId,
    tid: '00000000-0000-0000-0000-000000000000',
  };
  const parts = [{ alg: 'RS256', typ: 'JWT' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return [...parts, 'signature'].join('.');
}
