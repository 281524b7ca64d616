/** The real OpenDAL, the library through which sccache speaks WebDAV, asked as sccache asks it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { globSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { buildTool } from '../../rig/build-tools.ts';
import { freePort } from '../../rig/free-port.ts';
import { newToken } from '../../rig/new-token.ts';
import { ServerProcess, TEST_TOKEN } from '../../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';
import { openTestS3, s3GatewayEnv } from '../../rig/test-s3.ts';

/** What sccache uses of it. */
interface Operator {
  /** Rejects with a message that begins with the kind of the error, `NotFound` where there is no such file. */
  read(path: string): Promise<Buffer>;
  write(path: string, content: Buffer | string): Promise<void>;
  stat(path: string): Promise<{ readonly contentLength: bigint; isDirectory(): boolean }>;
}

interface Opendal {
  readonly Operator: new (scheme: 'webdav', options: Readonly<Record<string, string>>) => Operator;
}

const opendal: Opendal = createRequire(import.meta.url)(buildTool('opendal'));
const s3 = await openTestS3();
const s3Skip = 'skip' in s3 ? s3.skip : false;
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));

let folder: TempFolder;
let roots = 0;
let server: ServerProcess;
let readOnlyToken: string;
before(async () => {
  folder = await openTempFolder();
  const file = join(folder.path, 'tokens.yml');
  readOnlyToken = await newToken(file, 'developer');
  server = await ServerProcess.start({ VC_LOCAL_ROOT: freshRoot(), VC_AUTH_TOKENS_FILE: file });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const freshRoot = (): string => join(folder.path, `store-${roots++}`);

const bearer = (token: string): Record<string, string> => ({ token });
const basic = (token: string): Record<string, string> => ({ username: 'ci', password: token });

function open(url: string, credentials = bearer(TEST_TOKEN), path = '/webdav'): Operator {
  return new opendal.Operator('webdav', { endpoint: url + path, root: '/shop', ...credentials });
}

/** `undefined` is a miss, as it is to sccache. */
async function get(operator: Operator, path: string): Promise<Buffer | undefined> {
  try {
    return await operator.read(path);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('NotFound')) return undefined;
    throw error;
  }
}

/**
 * What sccache does at its start: it does not start where it cannot read, and only reads where it cannot write.
 * https://github.com/mozilla/sccache/blob/main/src/cache/cache.rs
 */
async function start(operator: Operator): Promise<'reads and writes' | 'reads'> {
  await get(operator, '.sccache_check');
  return operator.write('.sccache_check', 'Hello, World!').then(
    () => 'reads and writes',
    () => 'reads',
  );
}

/** In folders of single letters, as sccache names what it compiled. */
function freshPath(): string {
  const key = randomBytes(32).toString('hex');
  return [...key.slice(0, 3), key].join('/');
}

function damage(root: string): void {
  for (const name of globSync('store-v1/webdav/shop/?/?/?/*.blob', { cwd: root })) {
    const bytes = readFileSync(join(root, name));
    bytes[500] = (bytes[500] ?? 0) ^ 1;
    writeFileSync(join(root, name), bytes);
  }
}

function describeOpendal(
  name: string,
  skip: string | false,
  storage: () => Promise<Record<string, string>>,
): void {
  describe(`OpenDAL with the storage ${name}`, { skip }, () => {
    let server: ServerProcess;
    before(async () => {
      server = await ServerProcess.start(await storage());
    });
    after(() => server[Symbol.asyncDispose]());

    for (const [what, credentials, path] of [
      ['with a token', bearer(TEST_TOKEN), '/webdav'],
      ['with a user and a password', basic(TEST_TOKEN), '/webdav'],
      ['below its tenant', bearer(TEST_TOKEN), '/t/default/webdav'],
    ] as const)
      test(`sccache starts, and what one machine stored another reads: ${what}`, async () => {
        const [one, another] = [open(server.url, credentials, path), open(server.url)];
        const [object, objectPath, emptyPath] = [randomBytes(300_000), freshPath(), freshPath()];
        assert.equal(await start(one), 'reads and writes');
        assert.equal(await get(one, objectPath), undefined);
        await assert.rejects(one.stat(objectPath), /^Error: NotFound/);
        await one.write(objectPath, object);
        await one.write(emptyPath, '');
        for (const operator of [one, another]) {
          assert.deepEqual(await get(operator, objectPath), object);
          assert.equal((await get(operator, emptyPath))?.length, 0);
          assert.equal((await operator.stat(objectPath)).contentLength, 300_000n);
          assert.ok((await operator.stat(objectPath.slice(0, 4))).isDirectory());
          assert.equal(await start(operator), 'reads and writes', 'also where its check file is there');
        }
      });
  });
}

describeOpendal('local', false, async () => ({ VC_LOCAL_ROOT: freshRoot() }));
describeOpendal('Ceph radosgw', s3Skip, () => s3GatewayEnv(s3));

test('the first write wins, and who comes second is told that all is well', async () => {
  const [operator, path] = [open(server.url), freshPath()];
  for (const text of ['first', 'second']) await operator.write(path, text);
  assert.equal(String(await get(operator, path)), 'first');
});

test('with a token that only reads sccache starts, and only reads', async () => {
  const path = freshPath();
  await open(server.url).write(path, 'an object');
  for (const credentials of [bearer(readOnlyToken), basic(readOnlyToken)]) {
    const reading = open(server.url, credentials);
    assert.equal(await start(reading), 'reads');
    assert.equal(String(await get(reading, path)), 'an object');
    await assert.rejects(
      reading.write(freshPath(), 'x'),
      /PermissionDenied.*This token has no scope to write/s,
    );
  }
});

test('with a token that is unknown, or of another tenant, sccache does not start', async () => {
  for (const operator of [
    open(server.url, bearer('unknown')),
    open(server.url, basic('unknown')),
    open(server.url, {}),
    open(server.url, bearer(TEST_TOKEN), '/t/other/webdav'),
  ])
    await assert.rejects(start(operator), /status: 401/);
});

test('a damaged entry is a miss, a large one an error and then a miss; each is stored anew (F10)', async () => {
  const root = freshRoot();
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
  const [operator, small, large] = [open(server.url), freshPath(), freshPath()];
  const bodies = new Map([
    [small, randomBytes(1000)],
    [large, randomBytes(3_000_000)],
  ]);
  for (const [path, body] of bodies) await operator.write(path, body);
  damage(root);
  assert.equal(await get(operator, small), undefined);
  await assert.rejects(get(operator, large), /read data from http response/);
  for (const [path, body] of bodies) {
    assert.equal(await get(operator, path), undefined);
    await operator.write(path, body);
    assert.deepEqual(await get(operator, path), body);
  }
});

test('where the storage fails sccache starts and only reads, and every read is a miss', async () => {
  const root = freshRoot();
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
  const [operator, path] = [open(server.url), freshPath()];
  await operator.write(path, 'an object');
  renameSync(join(root, 'store-v1'), join(root, 'away'));
  writeFileSync(join(root, 'store-v1'), 'no folder');
  assert.equal(await start(operator), 'reads');
  assert.equal(await get(operator, path), undefined);
  await assert.rejects(operator.write(freshPath(), 'x'), /status: 503/);
});

test('where its limit is reached sccache starts and only reads, and every read is a miss', async () => {
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: freshRoot(), VC_LIMIT_REQUESTS: '2/h' });
  const [operator, path] = [open(server.url), freshPath()];
  await operator.write(path, 'an object'); // two requests: its folder, and it
  assert.equal(await get(operator, path), undefined);
  assert.equal(await start(operator), 'reads');
});

test('where the server is gone sccache does not start, and is told so at once', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  await assert.rejects(start(open(url)), /Unexpected \(temporary\).*error sending request/);
});
