/**
 * How fast do bytes go through each storage driver, opened as the gateway opens it, and how many URLs does
 * one core sign? Local files beside a plain `fs` copy with SHA-256, S3's URLs beside the SDK's `getSignedUrl`.
 */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { Registry } from '@prometheus-io/client';
import { BlobUrls } from '../src/auth/blob-url.ts';
import { systemClock } from '../src/base/clock.ts';
import { type Digest, digestOf } from '../src/base/digest.ts';
import { Secret } from '../src/base/secret.ts';
import { resolveSettings } from '../src/config/resolve-settings.ts';
import { storageMetrics } from '../src/storage/metrics.ts';
import { parseObjectKey } from '../src/storage/object-key.ts';
import { openStore } from '../src/storage/open-store.ts';
import { storageSettings } from '../src/storage/settings.ts';
import type { ObjectStore } from '../src/storage/store.ts';
import { openLogger } from '../src/telemetry/logger.ts';
import { Azurite } from '../test/rig/azurite.ts';
import { openTempFolder } from '../test/rig/temp-folder.ts';
import { openTestS3 } from '../test/rig/test-s3.ts';
import { median, table } from './results.ts';

const SIZES = { '64 KiB': 64 * 1024, '1 MiB': 1024 ** 2, '64 MiB': 64 * 1024 ** 2 };
const ROUNDS = 3;
const ROUND_MS = 500;
const WARM_UP_MS = 200;
/** Small bodies travel side by side, as builds send them; large ones fill a core each by themselves. */
const AT_ONCE = 4;
const ALONE_FROM_BYTES = 8 * 1024 ** 2;
/** What a network hands over at a time. */
const CHUNK_BYTES = 64 * 1024;
const SIGN_MS = 500;
const SIGN_BATCH = 100;

interface Body {
  readonly bytes: Buffer;
  readonly digest: Digest;
}

/** Takes bodies in and gives them out again, checked against their digest. */
interface Carrier {
  readonly name: string;
  wake(): Promise<unknown>;
  put(key: string, body: Body): Promise<void>;
  get(key: string): Promise<Readable>;
  delete(key: string): Promise<void>;
}

const resources = new AsyncDisposableStack();
const skipped: string[] = [];
try {
  const folder = resources.use(await openTempFolder());
  const stores = await openStores(folder.path);
  const plain = plainFiles(folder.path);
  console.log(await throughput([...stores.map(throughStore), plain], plain.name));
  console.log(`\n${await signing(stores)}`);
  for (const line of skipped) console.log(`\n${line}`);
} finally {
  await resources.disposeAsync();
}

/** The four drivers, each on the nearest to its real backend that this machine has. */
async function openStores(folder: string): Promise<ObjectStore[]> {
  const stores = [await open('local', { VC_LOCAL_ROOT: join(folder, 'store') })];

  const s3 = await openTestS3();
  if ('skip' in s3) skipped.push(`s3: ${s3.skip}`);
  else {
    resources.use(s3);
    Object.assign(process.env, s3.env);
    stores.push(
      await open('s3', { VC_S3_BUCKET: await s3.makeBucket(), VC_S3_ENDPOINT: s3.server.endpoint }),
    );
  }

  const azurite = resources.use(await Azurite.start());
  const azure = {
    VC_AZURE_ACCOUNT: azurite.account,
    VC_AZURE_KEY: azurite.key,
    VC_AZURE_ENDPOINT: azurite.endpoint,
    VC_AZURE_CONTAINER: await azurite.makeContainer(),
  };
  stores.push(await open('azure', azure));

  const gcs = await startGcsServer();
  Object.assign(process.env, gcs.env);
  stores.push(await open('gcs', { VC_GCS_BUCKET: gcs.bucket, VC_GCS_ENDPOINT: gcs.url }));
  return stores;
}

async function open(driver: string, env: Readonly<Record<string, string>>): Promise<ObjectStore> {
  const layers = { flags: new Map(), env: { ...env, VC_STORAGE_DRIVER: driver }, files: [] };
  const resolved = resolveSettings(storageSettings, layers);
  if (!resolved.ok) throw new Error(resolved.mistakes.map(({ message }) => message).join('\n'));
  const store = await openStore(resolved.value.values, {
    logger: openLogger('warn'),
    metrics: storageMetrics(new Registry()),
    clock: systemClock,
  });
  resources.defer(() => store.close());
  return store;
}

interface GcsAddress {
  readonly url: string;
  readonly bucket: string;
  readonly env: Readonly<Record<string, string>>;
}

/** In a process of its own, like the other servers: in this one it would take the driver's time. */
async function startGcsServer(): Promise<GcsAddress> {
  const program = `
    import { GcsServer } from './test/rig/gcs-server/gcs-server.ts';
    const gcs = await GcsServer.start();
    console.log(JSON.stringify({ url: gcs.url, bucket: gcs.makeBucket(), env: await gcs.keyEnv() }));
    process.stdin.resume().on('end', async () => { await gcs[Symbol.asyncDispose](); process.exit(); });
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  resources.defer(async () => {
    child.stdin.end();
    await ended;
  });
  const [line] = await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => Promise.reject(new Error('the GCS test server ended'))),
  ]);
  return JSON.parse(String(line)) as GcsAddress;
}

function throughStore(store: ObjectStore): Carrier {
  const names: Readonly<Record<string, string>> = {
    s3: 's3 on radosgw',
    azure: 'azure on azurite',
    gcs: 'gcs on the test server',
  };
  return {
    name: names[store.driver] ?? store.driver,
    // A server may have ended idle connections. A look-up is tried again then, a body under way is not.
    wake: () => Promise.all(Array.from({ length: AT_ONCE }, () => store.head(parseObjectKey('absent')))),
    async put(key, { bytes, digest }) {
      const options = { ifAbsent: true, sizeBytes: bytes.length, digest };
      const outcome = await store.put(parseObjectKey(key), arriving(bytes), options);
      if (outcome !== 'stored') throw new Error(`${store.driver}: ${key} was there`);
    },
    async get(key) {
      const got = await store.get(parseObjectKey(key));
      if (got === undefined || got === 'unsatisfiable') throw new Error(`${store.driver}: ${key} is gone`);
      return got.body;
    },
    delete: (key) => store.delete(parseObjectKey(key)),
  };
}

/** The least that keeps a body and its promise: digest on the way, a temporary name, a rename. */
function plainFiles(folder: string): Carrier {
  const pathOf = (key: string): string => join(folder, key.replaceAll('/', '-'));
  const digests = new Map<string, string>();
  return {
    name: 'plain fs with SHA-256',
    wake: async () => {},
    async put(key, { bytes }) {
      const hash = createHash('sha256');
      await pipeline(arriving(bytes), hashing(hash), createWriteStream(`${pathOf(key)}.tmp`));
      await rename(`${pathOf(key)}.tmp`, pathOf(key));
      digests.set(key, hash.digest('hex'));
    },
    async get(key) {
      const hash = createHash('sha256');
      const checked = async function* (): AsyncIterable<Uint8Array> {
        yield* hashing(hash)(createReadStream(pathOf(key)));
        if (hash.digest('hex') !== digests.get(key)) throw new Error('other bytes were read than written');
      };
      return Readable.from(checked(), { objectMode: false });
    },
    delete: (key) => rm(pathOf(key)),
  };
}

function hashing(hash: ReturnType<typeof createHash>) {
  return async function* (chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      yield chunk;
    }
  };
}

function arriving(bytes: Buffer): Readable {
  const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) }, (_, index) =>
    bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES),
  );
  return Readable.from(chunks, { objectMode: false });
}

/** All carriers in turn in every round, so that a busy moment of the machine meets them alike. */
async function throughput(carriers: readonly Carrier[], peer: string): Promise<string> {
  const rows = [];
  for (const [label, sizeBytes] of Object.entries(SIZES)) {
    const bytes = randomBytes(sizeBytes);
    const body = { bytes, digest: digestOf(bytes) };
    const rates = new Map(carriers.map(({ name }) => [name, { put: [] as number[], get: [] as number[] }]));
    for (let round = -1; round < ROUNDS; round++) {
      for (const carrier of carriers) {
        const measured = await measure(carrier, body, round < 0 ? WARM_UP_MS : ROUND_MS);
        if (round < 0) continue;
        rates.get(carrier.name)?.put.push(measured.put);
        rates.get(carrier.name)?.get.push(measured.get);
      }
    }
    const rateOf = (name: string, direction: 'put' | 'get'): number =>
      median(rates.get(name)?.[direction] ?? []);
    for (const { name } of carriers) {
      const cell = (direction: 'put' | 'get'): string => {
        const rate = rateOf(name, direction);
        const beside = name === 'local' ? ` (${(rate / rateOf(peer, direction)).toFixed(2)} ×)` : '';
        return `${rate.toFixed(0)}${beside}`;
      };
      rows.push([name, label, cell('put'), cell('get')]);
    }
  }
  const how = `MB/s (10⁶ bytes) through each driver as the gateway opens it: retries, timeouts, and SHA-256 both ways. ${AT_ONCE} bodies at once, those of 64 MiB one by one; medians of ${ROUNDS} rounds of ${ROUND_MS / 1000} s in turn. The servers are on the same cores. In brackets: beside plain fs, without fsync both.`;
  return `${how}\n\n${table([['through', 'body', 'put', 'get'], ...rows])}`;
}

async function measure(carrier: Carrier, body: Body, ms: number): Promise<{ put: number; get: number }> {
  const atOnce = body.bytes.length >= ALONE_FROM_BYTES ? 1 : AT_ONCE;
  const keys: string[] = [];
  await carrier.wake();
  const put = await perSecond(atOnce, ms, async () => {
    const key = `objects/${randomBytes(32).toString('hex')}`;
    await carrier.put(key, body);
    keys.push(key);
  });
  let next = 0;
  const get = await perSecond(atOnce, ms, async () => {
    let sizeBytes = 0;
    for await (const chunk of await carrier.get(keys[next++ % keys.length] ?? '')) sizeBytes += chunk.length;
    if (sizeBytes !== body.bytes.length) throw new Error(`${carrier.name}: ${sizeBytes} bytes came back`);
  });
  for (const key of keys) await carrier.delete(key);
  const megabytes = body.bytes.length / 1e6;
  return { put: put * megabytes, get: get * megabytes };
}

async function perSecond(atOnce: number, ms: number, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  let done = 0;
  const lane = async (): Promise<void> => {
    do {
      await work();
      done++;
    } while (performance.now() - startedAt < ms);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return (done / (performance.now() - startedAt)) * 1000;
}

/** Counted by processor time of all threads, so that "one core" holds also where a thread pool signs. */
async function signing(stores: readonly ObjectStore[]): Promise<string> {
  const digest = digestOf('x');
  const terms = { ifAbsent: true, sizeBytes: 1_000_000, digest };
  const signers = new Map<string, (key: string) => unknown>();
  for (const store of stores.filter(({ capabilities }) => capabilities.presign !== 'none')) {
    signers.set(`${store.driver} driver`, (key) =>
      store.presign(parseObjectKey(key), { method: 'PUT', ttlSeconds: 900, ...terms }),
    );
  }
  const urls = new BlobUrls(new Secret(randomBytes(32).toString('hex')));
  signers.set('local, the door’s own URLs', (key) =>
    urls.sign({ method: 'PUT', key, expiresAt: Math.floor(Date.now() / 1000) + 900, ...terms }),
  );
  const sdk = new S3Client({
    region: 'us-east-1',
    credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  signers.set('peer: the S3 SDK’s getSignedUrl', (key) => getSignedUrl(sdk, uploadOf(key, digest)));

  const rates = new Map([...signers.keys()].map((name) => [name, [] as number[]]));
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, sign] of signers) {
      const rate = await signedPerCoreSecond(sign);
      if (round >= 0) rates.get(name)?.push(rate);
    }
  }
  sdk.destroy();
  const rows = [...rates].map(([name, values]) => [name, Math.round(median(values)).toLocaleString('en')]);
  const how = `Upload URLs (first write, length and digest) signed per second of processor time; ${SIGN_BATCH} at once, as a batch asks for them.`;
  return `${how}\n\n${table([['signer', 'URLs/s'], ...rows])}`;
}

function uploadOf(key: string, digest: Digest): PutObjectCommand {
  return new PutObjectCommand({
    Bucket: 'bench',
    Key: key,
    IfNoneMatch: '*',
    ContentLength: 1_000_000,
    Metadata: { sha256: digest },
    ChecksumSHA256: Buffer.from(digest, 'hex').toString('base64'),
  });
}

async function signedPerCoreSecond(sign: (key: string) => unknown): Promise<number> {
  const keys = Array.from({ length: SIGN_BATCH }, () => `objects/${randomBytes(32).toString('hex')}`);
  const startedAt = performance.now();
  const before = process.cpuUsage();
  let signed = 0;
  while (performance.now() - startedAt < SIGN_MS) {
    await Promise.all(keys.map(sign));
    signed += keys.length;
  }
  const { user, system } = process.cpuUsage(before);
  return (signed / (user + system)) * 1e6;
}
