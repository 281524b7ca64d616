/** `velocity serve` that reports to Sentry, to Sentry that is away, and that reports nowhere: the real process. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { generatePresignKeys } from '../../src/auth/presign-keys.ts';
import { signPath } from '../../src/auth/presigned-path.ts';
import { freePort } from '../rig/free-port.ts';
import { SentryIngest, type SentryItem } from '../rig/sentry-ingest.ts';
import { ServerProcess, TEST_TOKEN } from '../rig/server-process.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { until } from '../rig/until.ts';

const SECRET_KEY = 'a-secret-key-for-tests';
const keys = generatePresignKeys();
const SIGNATURE = signPath(
  { method: 'GET', bucket: 'media', path: 'a' },
  Date.now() + 3_600_000,
  keys.privateKey,
);

/** A server before a bucket that nobody answers for. */
async function startLost(env: Readonly<Record<string, string>>): Promise<ServerProcess> {
  return ServerProcess.start({
    VC_AUTH_TOKEN: '',
    VC_AUTH_BEARER_TOKEN: TEST_TOKEN,
    VC_AUTH_PUBLIC_KEY: keys.publicKey,
    VC_STORES__media__TYPE: 's3',
    VC_STORES__media__ENDPOINT: `http://127.0.0.1:${await freePort()}`,
    VC_STORES__media__ALLOW_HTTP: 'true',
    VC_STORES__media__BUCKET: 'artifacts',
    VC_STORES__media__ACCESS_KEY: 'an-access-key-for-tests',
    VC_STORES__media__SECRET_KEY: SECRET_KEY,
    ...env,
  });
}

/** Asks with all that opens doors: a token, and a signature in the query. */
async function ask(server: ServerProcess, path: string, requestId: string): Promise<number> {
  const reply = await fetch(`${server.url}${path}?sig=${SIGNATURE}`, {
    headers: { authorization: `Bearer ${TEST_TOKEN}`, 'x-request-id': requestId },
  });
  await reply.arrayBuffer();
  return reply.status;
}

function theOne({ items }: SentryIngest): SentryItem {
  const [item] = items;
  assert.ok(item && items.length === 1, `${items.length} arrived`);
  return item;
}

/** Runs a piece of JavaScript in the server before its own. */
async function preloaded(folder: string, script: string): Promise<Readonly<Record<string, string>>> {
  const path = join(folder, 'preload.mjs');
  await writeFile(path, script);
  return { NODE_OPTIONS: `--import=${pathToFileURL(path)}` };
}

/** Writes the address of every module that is loaded. */
const TELL_MODULES = `
  import { appendFileSync } from 'node:fs';
  import { registerHooks } from 'node:module';
  registerHooks({
    load(url, context, next) {
      appendFileSync(process.env.MODULES_FILE, url + '\\n');
      return next(url, context);
    },
  });`;

const NO_SENTRY = `
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve: (name, context, next) => next(name.replace(/^@sentry\\//, '@sentry-is-not-installed/'), context),
  });`;

const CRASH_ON_SIGNAL = `
  process.on('SIGUSR2', () => Promise.reject(new Error('a bug at /x?sig=do-not-show')));`;

describe('errors of a server with a DSN', () => {
  test('arrive, once, with their request’s id and without what opens doors', async () => {
    await using sentry = await SentryIngest.start();
    await using server = await startLost({
      VC_SENTRY_DSN: sentry.dsn,
      VC_SENTRY_ENVIRONMENT: 'test',
      VC_SENTRY_RELEASE: 'r42',
      VC_SENTRY_TRACES_SAMPLE_RATE: '0',
    });
    assert.equal(await ask(server, '/media/a', 'asked-1'), 503);
    assert.equal(await ask(server, '/nothing-here', 'asked-2'), 404);
    await until(async () => sentry.items.length > 0);
    assert.equal(await server.end('SIGTERM'), 0);

    const { type, payload } = theOne(sentry);
    assert.equal(type, 'event');
    assert.deepEqual(payload['tags'], { code: 'STORAGE_UNAVAILABLE', requestId: 'asked-1' });
    assert.deepEqual([payload['environment'], payload['release']], ['test', 'r42']);
    assert.match(JSON.stringify(payload['exception']), /ECONNREFUSED/);
    const all = sentry.received.join();
    for (const secret of [TEST_TOKEN, SECRET_KEY, SIGNATURE, 'sig=', 'authorization'])
      assert.ok(!all.toLowerCase().includes(secret.toLowerCase()), secret);
  });

  test('are told when nothing catches them, before the process ends as it would', async () => {
    await using folder = await openTempFolder();
    await using sentry = await SentryIngest.start();
    await using server = await ServerProcess.start({
      ...(await preloaded(folder.path, CRASH_ON_SIGNAL)),
      VC_LOCAL_ROOT: folder.path,
      VC_SENTRY_DSN: sentry.dsn,
    });
    assert.equal(await server.end('SIGUSR2'), 1);
    const { payload } = theOne(sentry);
    assert.equal(payload['level'], 'fatal');
    assert.doesNotMatch(sentry.received.join(), /do-not-show/);
  });
});

test('requests are traced as often as it is asked for, probes never', async () => {
  await using folder = await openTempFolder();
  await using sentry = await SentryIngest.start();
  await using server = await ServerProcess.start({
    VC_LOCAL_ROOT: folder.path,
    VC_SENTRY_DSN: sentry.dsn,
    VC_SENTRY_TRACES_SAMPLE_RATE: '1',
  });
  await fetch(`${server.url}/health`);
  assert.equal(await ask(server, '/nothing-here', 'asked-1'), 404);
  assert.equal(await server.end('SIGTERM'), 0);
  assert.deepEqual(
    sentry.items.map(({ type, payload }) => [type, payload['transaction'], payload['tags']]),
    [['transaction', 'GET unmatched', { requestId: 'asked-1' }]],
  );
  assert.ok(!sentry.received.join().includes(SIGNATURE));
});

describe('a server whose Sentry', () => {
  test('is away works, and ends at once', async () => {
    await using server = await startLost({
      VC_SENTRY_DSN: `http://public@127.0.0.1:${await freePort()}/1`,
    });
    for (const id of ['one', 'two']) assert.equal(await ask(server, '/media/a', id), 503);
    const before = performance.now();
    assert.equal(await server.end('SIGTERM'), 0);
    assert.ok(performance.now() - before < 10_000); // and not for as long as a network may be silent
    assert.equal(server.log.filter(({ message }) => message === 'a request failed').length, 2);
  });

  test('takes what it is sent and never answers ends two seconds later', async () => {
    await using sentry = await SentryIngest.start(() => {});
    await using server = await startLost({ VC_SENTRY_DSN: sentry.dsn });
    assert.equal(await ask(server, '/media/a', 'one'), 503);
    await until(async () => sentry.items.length > 0);
    const before = performance.now();
    assert.equal(await server.end('SIGTERM'), 0);
    const took = performance.now() - before;
    assert.ok(took > 1900 && took < 20_000, `${took} ms`);
  });

  test('is to be debugged says so on standard error, and logs JSON alone', async () => {
    await using folder = await openTempFolder();
    const server = await ServerProcess.start({
      VC_LOCAL_ROOT: folder.path,
      VC_SENTRY_DSN: `http://public@127.0.0.1:${await freePort()}/1`,
      VC_SENTRY_TRACES_SAMPLE_RATE: '1',
      VC_SENTRY_DEBUG: 'true',
    });
    let said = '';
    server.child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk;
    });
    await ask(server, '/nothing-here', 'one');
    await until(async () => /Sentry Logger/.test(said));
    assert.equal(await server.end('SIGTERM'), 0);
  });

  test('is not installed does not start, and says what to install', async () => {
    await using folder = await openTempFolder();
    const env = await preloaded(folder.path, NO_SENTRY);
    await assert.rejects(
      ServerProcess.start({
        ...env,
        VC_LOCAL_ROOT: folder.path,
        VC_SENTRY_DSN: 'http://public@127.0.0.1:9/1',
      }),
      /velocity: sentry\.dsn is set, but .* is not installed: .* npm install '@sentry\/core@~[\d.]+'\.\n$/,
    );
    await using server = await ServerProcess.start({ ...env, VC_LOCAL_ROOT: folder.path });
    assert.equal(await server.end('SIGTERM'), 0);
  });
});

test('nothing of Sentry is loaded without a DSN, and with one it is', async () => {
  await using folder = await openTempFolder();
  const loaded = async (env: Readonly<Record<string, string>>): Promise<string> => {
    const file = join(folder.path, `modules-${Object.keys(env).length}`);
    await using server = await ServerProcess.start({
      ...(await preloaded(folder.path, TELL_MODULES)),
      ...env,
      MODULES_FILE: file,
      VC_LOCAL_ROOT: folder.path,
    });
    assert.equal(await server.end('SIGTERM'), 0);
    return readFile(file, 'utf8');
  };
  const without = await loaded({});
  assert.match(without, /node_modules\/fastify/);
  assert.doesNotMatch(without, /node_modules\/@sentry\//);
  const withOne = await loaded({ VC_SENTRY_DSN: 'http://public@127.0.0.1:9/1' });
  assert.match(withOne, /node_modules\/@sentry\/core\//);
});
