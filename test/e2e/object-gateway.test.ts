/** The object gateway as a process of its own, before real storages: many on one cold object, a kill, a storage that breaks off. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { open as openFile, rm, writeFile } from 'node:fs/promises';
import { Agent, get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { generatePresignKeys } from '../../src/auth/presign-keys.ts';
import { signPath } from '../../src/auth/presigned-path.ts';
import { Azurite } from '../rig/azurite.ts';
import { GcsServer } from '../rig/gcs-server/gcs-server.ts';
import { ServerProcess } from '../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';
import { openTestS3 } from '../rig/test-s3.ts';
import { ToxicProxy } from '../rig/toxic-proxy.ts';
import { until } from '../rig/until.ts';

const TOKEN = 'a-token-for-objects-0123456789';
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };
const keys = generatePresignKeys();
const BODY = randomBytes(5 * 1024 * 1024);
const PATH = 'some folder/ä.bin';
const URL_PATH = `/media/${encodeURI(PATH)}`;

/** A storage, as settings of the store `media` tell of it. */
interface Backend {
  readonly env: Readonly<Record<string, string>>;
  /** What is different while nothing answers there. */
  readonly gone: Readonly<Record<string, string>>;
  readonly driver: string;
}

const s3 = await openTestS3();
const resources = new AsyncDisposableStack();
if (!('skip' in s3)) resources.use(s3);
after(() => resources[Symbol.asyncDispose]());

const NOBODY = 'http://127.0.0.1:1';

const BACKENDS: Readonly<
  Record<string, { skip: string | false; open: (folder: string) => Promise<Backend> }>
> = {
  local: {
    skip: false,
    open: async (folder) => ({
      env: store({ TYPE: 'local', ROOT: join(folder, 'bucket') }),
      gone: store({ ROOT: join(folder, 'elsewhere') }),
      driver: 'local',
    }),
  },
  's3 (radosgw)': {
    skip: 'skip' in s3 ? s3.skip : false,
    async open() {
      if ('skip' in s3) throw new Error(s3.skip);
      const { endpoint, accessKeyId, secretAccessKey } = s3.server;
      const secrets = { ACCESS_KEY: accessKeyId, SECRET_KEY: secretAccessKey, ALLOW_HTTP: 'true' };
      const env = store({ TYPE: 's3', ENDPOINT: endpoint, BUCKET: await s3.makeBucket(), ...secrets });
      return { env, gone: store({ ENDPOINT: NOBODY }), driver: 's3' };
    },
  },
  'azure (azurite)': {
    skip: false,
    async open() {
      const azurite = resources.use(await Azurite.start());
      const { account, key, endpoint } = azurite;
      const at = (blobs: string) =>
        `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${blobs};`;
      return {
        env: store({
          TYPE: 'azure',
          CONTAINER: await azurite.makeContainer(),
          CONNECTION_STRING: at(endpoint),
        }),
        gone: store({ CONNECTION_STRING: at(`${NOBODY}/${account}`) }),
        driver: 'azure',
      };
    },
  },
  'gcs (test server)': {
    skip: false,
    async open() {
      const gcs = resources.use(await GcsServer.start());
      return {
        env: {
          ...(await gcs.keyEnv()),
          ...store({ TYPE: 'gcs', BUCKET: gcs.makeBucket(), ENDPOINT: gcs.url }),
        },
        gone: store({ ENDPOINT: NOBODY }),
        driver: 'gcs',
      };
    },
  },
};

function store(fields: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [`VC_STORES__media__${name}`, value]),
  );
}

/** A gateway alone, with tiers of its own. */
function start(folder: string, env: Readonly<Record<string, string>>): Promise<ServerProcess> {
  return ServerProcess.start({
    VC_AUTH_TOKEN: '',
    VC_AUTH_BEARER_TOKEN: TOKEN,
    VC_AUTH_PUBLIC_KEY: keys.publicKey,
    VC_CACHE_MAX_MEMORY: '64MiB',
    VC_CACHE_MAX_DISK: '1GiB',
    VC_CACHE_DISK_PATH: join(folder, 'cache'),
    VC_LOG_REQUESTS: 'errors',
    ...env,
  });
}

interface Stats {
  readonly hits: { readonly joined: number; readonly memory: number };
  readonly misses: { readonly fetched: number };
  readonly memory: { readonly entries: number };
  readonly disk: { readonly entries: number };
}

async function statsOf(server: ServerProcess): Promise<Stats> {
  return (await (await fetch(`${server.url}/stats`)).json()) as Stats;
}

/** The calls that reached the storage. */
async function getsOf(server: ServerProcess, driver: string): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const pattern = new RegExp(
    `^vc_storage_operations_total\\{driver="${driver}:media",operation="get",outcome="\\w+"\\} (\\d+)`,
    'gm',
  );
  return [...text.matchAll(pattern)].reduce((sum, [, count]) => sum + Number(count), 0);
}

function putBody(server: ServerProcess): Promise<Response> {
  return fetch(server.url + URL_PATH, { method: 'PUT', headers: AUTHORIZED, body: BODY });
}

/** Whether the answer is whole and right, without a copy of it; fails where it breaks off. */
async function isWhole(server: ServerProcess, agent: Agent): Promise<boolean> {
  const request = get(server.url + URL_PATH, { agent, headers: AUTHORIZED });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let at = 0;
  let isRight = response.statusCode === 200;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    isRight &&= chunk.equals(BODY.subarray(at, at + chunk.length));
    at += chunk.length;
  }
  return isRight && at === BODY.length;
}

for (const [name, { skip, open }] of Object.entries(BACKENDS))
  describe(`the object gateway before ${name}`, { skip }, () => {
    let backend: Backend;
    let folder: TempFolder;
    before(async () => {
      folder = await openTempFolder();
      backend = await open(folder.path);
      await using server = await start(folder.path, backend.env);
      const put = await putBody(server);
      assert.equal(put.status, 201, await put.text());
    });
    after(() => folder[Symbol.asyncDispose]());

    test('what was put is got back, whole, in parts and by a signed URL', async () => {
      await using server = await start(folder.path, { ...backend.env, VC_CACHE_MAX_DISK: '0' });
      const url = server.url + URL_PATH;
      const head = await fetch(url, { method: 'HEAD', headers: AUTHORIZED });
      assert.equal(head.headers.get('content-length'), String(BODY.length));
      const part = await fetch(url, { headers: { ...AUTHORIZED, range: 'bytes=1000000-1000009' } });
      assert.deepEqual(Buffer.from(await part.arrayBuffer()), BODY.subarray(1_000_000, 1_000_010));
      const sig = signPath(
        { method: 'GET', bucket: 'media', path: PATH },
        Date.now() + 60_000,
        keys.privateKey,
      );
      const signed = await fetch(`${url}?sig=${sig}`);
      assert.ok(Buffer.from(await signed.arrayBuffer()).equals(BODY));
      assert.equal(
        (await fetch(url, { headers: { ...AUTHORIZED, 'if-none-match': head.headers.get('etag') ?? '' } }))
          .status,
        304,
      );
      assert.equal((await fetch(`${server.url}/media/none`, { headers: AUTHORIZED })).status, 404);
      assert.equal((await fetch(url)).status, 401);
    });

    test('500 clients on one cold object of 5 MiB are one GET of the storage and 500 whole bodies (F18)', async () => {
      await using server = await start(folder.path, { ...backend.env, VC_CACHE_MAX_DISK: '0' });
      const agent = new Agent({ maxSockets: Number.POSITIVE_INFINITY });
      const answers = await Promise.all(Array.from({ length: 500 }, () => isWhole(server, agent)));
      agent.destroy();
      assert.equal(answers.filter(Boolean).length, 500);
      assert.equal(await getsOf(server, backend.driver), 1);
      assert.equal((await statsOf(server)).misses.fetched, 1);
    });

    test('killed with a warm disk tier, it serves what it had after the next start, without its storage', async () => {
      await using agent = disposable(new Agent());
      {
        await using server = await start(folder.path, backend.env);
        assert.ok(await isWhole(server, agent.value));
        await until(async () => (await statsOf(server)).disk.entries === 1);
        await server.end('SIGKILL');
      }
      await using server = await start(folder.path, { ...backend.env, ...backend.gone });
      const answer = await fetch(server.url + URL_PATH, { headers: AUTHORIZED });
      assert.match(answer.headers.get('cache-status') ?? '', /hit; detail=(disk|memory)/);
      assert.ok(Buffer.from(await answer.arrayBuffer()).equals(BODY));
      const cold = await fetch(`${server.url}/media/cold`, { headers: AUTHORIZED });
      assert.equal(cold.status, backend.driver === 'local' ? 404 : 503);
    });
  });

describe('a storage that breaks off', { skip: 'skip' in s3 ? s3.skip : false }, () => {
  let folder: TempFolder;
  let proxy: ToxicProxy;
  let backend: Backend;
  before(async () => {
    if ('skip' in s3) return;
    folder = await openTempFolder();
    proxy = await ToxicProxy.start(Number(new URL(s3.server.endpoint).port));
    backend = (await BACKENDS['s3 (radosgw)']?.open(folder.path)) as Backend;
    {
      await using server = await start(folder.path, backend.env);
      assert.equal((await putBody(server)).status, 201);
    }
    await rm(join(folder.path, 'cache'), { recursive: true });
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const through = () => ({ ...backend.env, ...store({ ENDPOINT: `http://127.0.0.1:${proxy.port}` }) });

  test('in the middle of a body: every client sees an aborted answer, nothing is kept, and the next is whole (F15, F22)', async () => {
    await using server = await start(folder.path, through());
    await using agent = disposable(new Agent({ maxSockets: Number.POSITIVE_INFINITY }));
    proxy.cutAll();
    proxy.toxins.push({ cut: BODY.length / 2 });
    const answers = await Promise.allSettled(Array.from({ length: 50 }, () => isWhole(server, agent.value)));
    const aborted = answers.filter(({ status }) => status === 'rejected').length;
    assert.ok(aborted > 0);
    assert.ok(answers.every((answer) => answer.status === 'rejected' || answer.value));
    // All who shared the flight; who came later had another.
    const { memory, misses } = await statsOf(server);
    assert.deepEqual([misses.fetched, memory.entries], aborted === 50 ? [1, 0] : [2, 1]);
    assert.ok(await isWhole(server, agent.value));
  });

  test('before it answers: it is asked again, and the client gets the whole', async () => {
    await using server = await start(folder.path, {
      ...through(),
      VC_CACHE_DISK_PATH: join(folder.path, 'other'),
    });
    await using agent = disposable(new Agent());
    proxy.cutAll();
    proxy.toxins.push('reset');
    assert.ok(await isWhole(server, agent.value));
  });
});

describe('a disk tier that is not what was stored (F10, F11)', () => {
  const small = { VC_CACHE_MAX_MEMORY: '1MiB', VC_CACHE_MAX_OBJECT_SIZE: '8MiB' };
  let folder: TempFolder;
  let backend: Backend;
  before(async () => {
    folder = await openTempFolder();
    backend = (await BACKENDS['local']?.open(folder.path)) as Backend;
    await using server = await start(folder.path, { ...backend.env, ...small });
    await using agent = disposable(new Agent());
    assert.equal((await putBody(server)).status, 201);
    assert.ok(await isWhole(server, agent.value));
    await until(async () => (await statsOf(server)).disk.entries === 1);
  });
  after(() => folder[Symbol.asyncDispose]());

  const bodies = () => globSync(join(folder.path, 'cache', 'cache-v1', '*', '*.bin'));

  async function flipByte(at: number): Promise<void> {
    const [path = ''] = bodies();
    await using file = await openFile(path, 'r+');
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    await file.write(Buffer.from([(byte[0] ?? 0) ^ 1]), 0, 1, at);
  }

  test('in its first block: it is a miss, fetched anew before a byte is sent', async () => {
    await using server = await start(folder.path, { ...backend.env, ...small });
    await using agent = disposable(new Agent());
    await flipByte(100);
    assert.ok(await isWhole(server, agent.value));
    await until(async () => (await statsOf(server)).disk.entries === 1);
    assert.ok(await isWhole(server, agent.value));
    assert.equal((await statsOf(server)).misses.fetched, 1);
  });

  test('in a later block: the answer is cut before it, and the next one is whole', async () => {
    await using server = await start(folder.path, { ...backend.env, ...small });
    await using agent = disposable(new Agent());
    await flipByte(BODY.length - 1);
    await assert.rejects(isWhole(server, agent.value));
    assert.ok(await isWhole(server, agent.value));
    const text = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(text, /^vc_gateway_disk_trouble_total\{kind="damaged"\} 1$/m);
  });

  test('with records lost and garbage in their place: it starts, says so, and fetches anew', async () => {
    for (const path of bodies()) await writeFile(path.replace(/bin$/, 'json'), 'garbage');
    await using server = await start(folder.path, { ...backend.env, ...small });
    await using agent = disposable(new Agent());
    assert.equal((await statsOf(server)).disk.entries, 0);
    assert.ok(server.log.some(({ message }) => String(message).startsWith('the disk tier had trouble')));
    assert.ok(await isWhole(server, agent.value));
  });
});

function disposable(value: Agent): AsyncDisposable & { readonly value: Agent } {
  return { value, [Symbol.asyncDispose]: async () => value.destroy() };
}
