import assert from 'node:assert/strict';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { freePort } from '../../test/rig/free-port.ts';
import { HttpServer } from '../../test/rig/http-server.ts';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../test/rig/temp-folder.ts';
import { until } from '../../test/rig/until.ts';
import { digestOf } from '../base/digest.ts';
import { Secret } from '../base/secret.ts';
import { openLogger } from '../telemetry/logger.ts';
import type { BucketSettings, S3BucketSettings } from './bucket-settings.ts';
import { storageMetrics } from './metrics.ts';
import { parseObjectKey } from './object-key.ts';
import { openBucket } from './open-bucket.ts';
import type { ObjectStore } from './store.ts';

const KEY = parseObjectKey('path/to/object.txt');
const BODY = Buffer.from('a body');

/** What surrounds a bucket, with what it logs and counts. */
class Surroundings {
  readonly lines: Record<string, unknown>[] = [];
  readonly logger = openLogger('debug', { write: (line) => void this.lines.push(JSON.parse(line)) });
  readonly metrics = storageMetrics(new Registry());
  readonly clock = new ManualClock();

  open(name: string, settings: BucketSettings): Promise<ObjectStore> {
    return openBucket(name, settings, this);
  }

  get warnings(): unknown[] {
    return this.lines.filter(({ level }) => level === 'warn').map(({ store, reason }) => [store, reason]);
  }

  async counts(): Promise<Record<string, number>> {
    const { values } = await this.metrics.operations.get();
    return Object.fromEntries(values.map(({ labels, value }) => [Object.values(labels).join(' '), value]));
  }
}

function s3(endpoint: string, bucket = 'b'): S3BucketSettings {
  return {
    type: 's3',
    bucket,
    region: 'eu-1',
    endpoint,
    credentials: { accessKey: new Secret(`key-of-${bucket}`), secretKey: new Secret('secret') },
    pathStyle: true,
    hedgeQuantile: undefined,
    immutable: false,
  };
}

/** A server that speaks as much S3 as a reader needs, and says what it was asked. It is `silent` to the n-th request. */
async function startS3(
  objects: Readonly<Record<string, { body: Buffer; digest?: string }>>,
): Promise<HttpServer & { asked: string[]; keys: Set<string>; silent: Set<number> }> {
  const asked: string[] = [];
  const keys = new Set<string>();
  const silent = new Set<number>();
  const server = await HttpServer.start((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    if (silent.has(asked.push(`${request.method} ${path}`))) return;
    keys.add(/Credential=([^/]+)/.exec(request.headers.authorization ?? '')?.[1] ?? 'none');
    const object = objects[path];
    const isBucket = path.split('/').length === 2 || path.endsWith('/');
    if (!object && !(isBucket && request.method === 'HEAD')) return response.writeHead(404).end();
    const { body = Buffer.alloc(0), digest } = object ?? {};
    response.writeHead(200, {
      'content-length': body.length,
      ...(digest && { 'x-amz-meta-sha256': digest }),
    });
    return response.end(request.method === 'HEAD' ? undefined : body);
  });
  return Object.assign(server, { asked, keys, silent });
}

async function read(store: ObjectStore): Promise<Buffer | undefined> {
  const got = await store.get(KEY);
  return got === undefined || got === 'unsatisfiable' ? undefined : buffer(got.body);
}

test('buckets are opened with keys of their own, told apart in metrics, and not written to be tried', async () => {
  await using server = await startS3({ '/one/path/to/object.txt': { body: BODY } });
  const around = new Surroundings();
  const [one, two] = [
    await around.open('first', s3(server.url, 'one')),
    await around.open('second', s3(server.url, 'two')),
  ];
  assert.deepEqual(
    server.asked.map((line) => line.replace(/\/$/, '')),
    ['HEAD /one', 'HEAD /two'],
  );
  assert.deepEqual([...server.keys], ['key-of-one', 'key-of-two']);
  assert.deepEqual(await read(one), BODY);
  assert.equal(await read(two), undefined);
  assert.deepEqual(await around.counts(), {
    's3:first probe done': 1,
    's3:second probe done': 1,
    's3:first get hit': 1,
    's3:second get miss': 1,
  });
  assert.deepEqual(around.warnings, []);
  await Promise.all([one.close(), two.close()]);
});

test('a slow read is sent twice where that is set, and is one read in all metrics but its own', async () => {
  await using server = await startS3({ '/b/path/to/object.txt': { body: BODY } });
  const around = new Surroundings();
  const plain = await around.open('plain', s3(server.url));
  const hedged = await around.open('hedged', { ...s3(server.url), hedgeQuantile: 0.99 });
  for (let round = 0; round < 50; round++) {
    await read(plain);
    await read(hedged);
  }
  for (const store of [hedged, plain]) {
    const asked = server.asked.length + 1;
    server.silent.add(asked);
    const reading = read(store);
    await until(async () => server.asked.length === asked);
    around.clock.advance(5_000);
    if (store === hedged) assert.deepEqual(await reading, BODY);
    assert.equal(server.asked.length, asked + (store === hedged ? 1 : 0));
  }
  const { 's3:hedged get hit': hits, 's3:hedged get error': errors } = await around.counts();
  assert.deepEqual([hits, errors], [51, undefined]);
  const { values } = await around.metrics.hedges.get();
  assert.deepEqual(
    values.map(({ labels, value }) => [...Object.values(labels), value]),
    [['s3:hedged', 'won', 1]],
  );
});

test('an object that is not what its digest says is a miss and stays where it is', async () => {
  await using server = await startS3({
    '/b/path/to/object.txt': { body: BODY, digest: digestOf('other bytes') },
  });
  const around = new Surroundings();
  const store = await around.open('media', s3(server.url));
  assert.equal(await read(store), undefined);
  assert.deepEqual(around.warnings, [['media', 'digest-mismatch']]);
  assert.ok(!server.asked.some((line) => line.startsWith('DELETE')), server.asked.join());
  await store.close();
});

test('a bucket that does not answer is warned of by its name, and is opened all the same', async () => {
  const port = await freePort();
  const around = new Surroundings();
  const store = await around.open('media', s3(`http://127.0.0.1:${port}`));
  assert.match(JSON.stringify(around.warnings), /^\[\["media",".*S3 cannot be reached \(ECONNREFUSED\)/);
  await assert.rejects(store.probe(), { code: 'STORAGE_UNAVAILABLE' });
  await store.close();
});

test('one that goes on failing is left alone, the others are not', async () => {
  await using server = await startS3({});
  const around = new Surroundings();
  const away = await around.open('away', s3(`http://127.0.0.1:${await freePort()}`));
  const here = await around.open('here', s3(server.url));
  for (let failures = 1; failures < 5; failures++) await assert.rejects(away.probe());
  await assert.rejects(away.head(KEY), /s3:away storage has not answered 5 times in a row/);
  assert.equal(await here.head(KEY), undefined);
  const { values } = await around.metrics.circuitOpen.get();
  assert.deepEqual(
    values.map(({ labels, value }) => [labels.driver, value]),
    [
      ['s3:away', 1],
      ['s3:here', 0],
    ],
  );
  await Promise.all([away.close(), here.close()]);
});

test('a folder is opened without a write, and later where it cannot be made yet', async () => {
  await using folder = await openTempFolder();
  const root = join(folder.path, 'blocked', 'store');
  await writeFile(join(folder.path, 'blocked'), 'no folder');
  const around = new Surroundings();
  const store = await around.open('files', { type: 'local', root, immutable: true });
  assert.match(JSON.stringify(around.warnings), /^\[\["files",".*ENOTDIR|EEXIST/);
  await assert.rejects(store.head(KEY), { name: 'VelocityError' });

  await rm(join(folder.path, 'blocked'));
  await mkdir(join(folder.path, 'blocked'));
  assert.equal(await store.head(KEY), undefined);
  await store.put(KEY, BODY, { ifAbsent: false });
  assert.deepEqual(await read(store), BODY);

  const temp = join(root, 'store-v1-tmp');
  const before = (await stat(temp)).mtimeMs;
  await store.probe();
  assert.deepEqual([await readdir(temp), (await stat(temp)).mtimeMs], [[], before]);
  await store.close();
});

test('settings that cannot be are refused by the name they have in the file', async () => {
  const settings: BucketSettings = {
    type: 'azure',
    container: 'c',
    connectionString: new Secret('k3y-text'),
    account: undefined,
    key: undefined,
    sas: undefined,
    endpoint: undefined,
    hedgeQuantile: undefined,
    immutable: false,
  };
  await assert.rejects(new Surroundings().open('assets', settings), {
    code: 'DRIVER_UNAVAILABLE',
    message: /^stores\.assets\.connection_string cannot be read/,
  });
});
