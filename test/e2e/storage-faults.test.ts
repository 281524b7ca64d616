/** Storage that is full, closed, or takes the gateway's credentials no more: the real process on real backends. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { digestOf } from '../../src/base/digest.ts';
import { Azurite } from '../rig/azurite.ts';
import { succeeds } from '../rig/debian.ts';
import type { HttpServer } from '../rig/http-server.ts';
import { download, negotiate, postNegotiate, slowUpload, upload } from '../rig/negotiate.ts';
import { refuseConditions } from '../rig/refuse-conditions.ts';
import { ServerProcess } from '../rig/server-process.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { openTestS3, type S3User, type TestS3 } from '../rig/test-s3.ts';
import { TinyDisk } from '../rig/tiny-disk.ts';
import { until } from '../rig/until.ts';

const freshHash = (): string => digestOf(randomBytes(16));
const storedFiles = (root: string): Promise<string[]> => readdir(join(root, 'store-v1', 'objects'));
const tempFiles = (root: string): Promise<string[]> => readdir(join(root, 'store-v1-tmp'));

const mounted = await TinyDisk.mount(4);
const noDisk = 'skip' in mounted ? mounted.skip : false;
after(() => ('skip' in mounted ? undefined : mounted[Symbol.asyncDispose]()));

describe('a full disk (F3)', { skip: noDisk }, () => {
  const disk = mounted as TinyDisk;
  const stored = new Map<string, Buffer>();
  let server: ServerProcess;
  before(async () => {
    server = await ServerProcess.start({ VC_LOCAL_ROOT: disk.path });
  });
  after(() => server[Symbol.asyncDispose]());

  const refused: string[] = [];
  /** Uploads bodies of one size until one is not stored; its answer. */
  async function fillWith(sizeBytes: number): Promise<Response> {
    for (;;) {
      const [hash, body] = [freshHash(), randomBytes(sizeBytes)];
      const reply = await put(server.url, hash, body);
      if (reply.status !== 201) {
        refused.push(hash);
        return reply;
      }
      stored.set(hash, body);
    }
  }

  test('an upload without room for it is 507, leaves nothing behind, and is logged', async () => {
    for (const sizeBytes of [700_000, 50_000, 1]) {
      const reply = await fillWith(sizeBytes);
      assert.equal(reply.status, 507);
      const problem = (await reply.json()) as { code: string; detail: string };
      assert.equal(problem.code, 'STORAGE_FULL');
      assert.ok(!problem.detail.includes(disk.path), problem.detail);
      assert.deepEqual(await tempFiles(disk.path), []);
    }
    assert.ok(stored.size > 10);
    await until(async () => faults(server).split('\n').length === 3);
    assert.match(faults(server), /no room left on the disk.*STORAGE_FULL/);
  });

  test('a body without an announced length is 507 too', async () => {
    const hash = freshHash();
    const { url, headers } = await negotiate(server.url, { hash, action: 'upload' }, 'upload_needed');
    const sending = slowUpload(url, { ...headers, 'transfer-encoding': 'chunked' });
    await sending.write(randomBytes(2_000_000)).catch(() => {}); // it may be refused before its end
    sending.end();
    assert.equal(await sending.status, 507);
    assert.deepEqual(await tempFiles(disk.path), []);
    refused.push(hash);
  });

  test('nothing of what was refused is visible, and what was stored before is whole', async () => {
    for (const hash of refused) assert.equal(await download(server.url, hash), undefined);
    for (const [hash, body] of stored) assert.deepEqual(await download(server.url, hash), body);
    assert.equal((await storedFiles(disk.path)).length, stored.size);
    assert.equal((await fetch(`${server.url}/health`)).status, 200);
  });

  test('a gateway starts on a full disk and gives out what is there', async () => {
    await using second = await ServerProcess.start({ VC_LOCAL_ROOT: disk.path });
    const [[hash, body] = ['', Buffer.alloc(0)]] = stored;
    assert.deepEqual(await download(second.url, hash), body);
    assert.equal((await put(second.url, freshHash(), randomBytes(100))).status, 507);
  });

  test('with room again, the same process stores what it refused before', async () => {
    await disk.resize(12);
    for (const hash of refused) {
      const body = randomBytes(700_000);
      assert.equal(await upload(server.url, hash, body), 201);
      assert.deepEqual(await download(server.url, hash), body);
    }
    assert.equal((await fetch(`${server.url}/ready`)).status, 200);
  });
});

/** Root may write everywhere; without this capability the folder's mode binds it like anybody else. */
const AS_BOUND_BY_MODES =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override', '--inh-caps=-dac_override'] : [];
const cannotBind =
  AS_BOUND_BY_MODES.length > 0 && !succeeds('setpriv', [...AS_BOUND_BY_MODES.slice(1), 'true'])
    ? 'skipped: root writes where modes forbid it, and setpriv (util-linux) cannot take that from it here'
    : false;

describe('a folder that cannot be written (F5)', () => {
  /** Takes and gives back the right to write below a root. */
  interface Closing {
    readonly name: string;
    readonly skip: string | false;
    readonly reason: RegExp;
    open(): Promise<{ root: string; close(): Promise<void>; reopen(): Promise<void> } & AsyncDisposable>;
  }

  const modes: Closing = {
    name: 'whose mode forbids it',
    skip: cannotBind,
    reason: /EACCES/,
    async open() {
      const folder = await openTempFolder();
      const setMode = async (mode: number): Promise<void> => {
        for (const name of ['store-v1/objects', 'store-v1', 'store-v1-tmp', '']) {
          await chmod(join(folder.path, name), mode);
        }
      };
      return {
        root: folder.path,
        close: () => setMode(0o500),
        reopen: () => setMode(0o700),
        async [Symbol.asyncDispose]() {
          await setMode(0o700).catch(() => {});
          await folder[Symbol.asyncDispose]();
        },
      };
    },
  };

  const readOnlyMount: Closing = {
    name: 'on a file system that became read-only',
    skip: noDisk,
    reason: /EROFS/,
    async open() {
      const own = await TinyDisk.mount(4);
      if ('skip' in own) throw new Error(own.skip);
      return {
        root: own.path,
        close: () => own.makeReadOnly(),
        reopen: () => own.makeWritable(),
        [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
      };
    },
  };

  for (const { name, skip, reason, open } of [modes, readOnlyMount]) {
    test(`a folder ${name}: uploads are 503 and logged, reads go on, and writing works again after`, {
      skip,
    }, async () => {
      await using place = await open();
      await using server = await ServerProcess.start({ VC_LOCAL_ROOT: place.root }, AS_BOUND_BY_MODES);
      const [hash, body] = [freshHash(), randomBytes(100_000)];
      assert.equal(await upload(server.url, hash, body), 201);

      await place.close();
      const late = freshHash();
      const reply = await put(server.url, late, body);
      assert.equal(reply.status, 503);
      const problem = (await reply.json()) as { code: string; detail: string };
      assert.equal(problem.code, 'STORAGE_UNAVAILABLE');
      assert.match(problem.detail, reason);
      assert.ok(!problem.detail.includes(place.root), problem.detail);
      await until(async () => reason.test(faults(server)));
      assert.ok(faults(server).includes(join(place.root, 'store-v1')), 'the log says where');
      assert.deepEqual(await download(server.url, hash), body);
      assert.equal(await download(server.url, late), undefined);
      assert.equal((await fetch(`${server.url}/ready`)).status, 503);
      assert.equal((await fetch(`${server.url}/health`)).status, 200);

      await place.reopen();
      assert.equal(await upload(server.url, late, body), 201);
      assert.deepEqual(await download(server.url, late), body);
    });

    test(`a gateway does not start in a folder ${name}, and says why`, { skip }, async () => {
      await using place = await open();
      await using first = await ServerProcess.start({ VC_LOCAL_ROOT: place.root }, AS_BOUND_BY_MODES);
      assert.equal(await upload(first.url, freshHash(), randomBytes(100)), 201);
      await first.end('SIGTERM');
      await place.close();
      const starting = ServerProcess.start({ VC_LOCAL_ROOT: place.root }, AS_BOUND_BY_MODES);
      await assert.rejects(starting, ({ message }: Error) => {
        assert.match(message, /the server did not start: velocity: Could not /);
        assert.match(message, reason);
        assert.ok(message.includes(place.root), message);
        assert.doesNotMatch(message, /\n\s+at /, 'a sentence for an operator, not a stack');
        return true;
      });
    });
  }
});

const s3 = await openTestS3();
const noS3 = 'skip' in s3 ? s3.skip : false;
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));

describe('credentials that stop being right under a running gateway (F24)', () => {
  for (const [what, spoil] of [
    ['key was removed', (user: S3User) => user.removeKey()],
    ['secret was changed', (user: S3User) => user.setSecret('another-secret-0123456789')],
  ] as const) {
    test(`s3, whose ${what}: 502, told and logged without the secret, and well again with the right one`, {
      skip: noS3,
    }, async () => {
      const { server: storage, makeUser } = s3 as TestS3;
      const user = await makeUser();
      await using server = await ServerProcess.start({ ...onS3(storage.endpoint, user.bucket), ...user.env });
      await suffers(server, {
        secrets: [user.env['AWS_SECRET_ACCESS_KEY'] ?? '', 'another-secret-0123456789'],
        status: 502,
        reason: /S3 answered 403.*Check the credentials/,
        spoil: () => spoil(user),
        mend: () => user.setSecret(),
      });
    });
  }

  test('s3: a new key in the shared credentials file is taken up by a restart', { skip: noS3 }, async () => {
    const { server: storage, makeUser } = s3 as TestS3;
    const user = await makeUser();
    await using folder = await openTempFolder();
    const file = join(folder.path, 'credentials');
    const writeKey = (secret: string): Promise<void> =>
      writeFile(
        file,
        `[default]\naws_access_key_id = ${user.env['AWS_ACCESS_KEY_ID']}\naws_secret_access_key = ${secret}\n`,
      );
    await writeKey(user.env['AWS_SECRET_ACCESS_KEY'] ?? '');
    const env = { ...onS3(storage.endpoint, user.bucket), AWS_SHARED_CREDENTIALS_FILE: file };
    const [hash, body] = [freshHash(), randomBytes(1_000)];
    await using first = await ServerProcess.start(env);
    assert.equal(await upload(first.url, hash, body), 200);

    await user.setSecret('a-new-secret-0123456789');
    await writeKey('a-new-secret-0123456789');
    assert.equal((await postNegotiate(first.url, { hash, action: 'download' })).status, 502);
    await first.end('SIGTERM');
    await using second = await ServerProcess.start(env);
    assert.deepEqual(await download(second.url, hash), body);
  });

  test('azure, whose key was changed: 502, told and logged without the key, and well again with the right one', async () => {
    await using azurite = await Azurite.start();
    const otherKey = randomBytes(64).toString('base64');
    await using server = await ServerProcess.start({
      VC_STORAGE_DRIVER: 'azure',
      VC_AZURE_CONTAINER: await azurite.makeContainer(),
      VC_AZURE_ACCOUNT: azurite.account,
      VC_AZURE_KEY: azurite.key,
      VC_AZURE_ENDPOINT: azurite.endpoint,
    });
    await suffers(server, {
      secrets: [azurite.key, otherKey],
      status: 502,
      reason: /Azure answered 403 Auth.*check VC_AZURE_KEY/,
      spoil: () => azurite.restart(otherKey),
      mend: () => azurite.restart(),
    });
  });

  interface Suffering {
    /** What no log line and no answer may hold. */
    readonly secrets: readonly string[];
    readonly status: number;
    readonly reason: RegExp;
    spoil(): Promise<void>;
    mend(): Promise<void>;
  }

  async function suffers(server: ServerProcess, { secrets, status, reason, spoil, mend }: Suffering) {
    const [hash, late, body] = [freshHash(), freshHash(), randomBytes(10_000)];
    assert.ok([200, 201].includes(Number(await upload(server.url, hash, body))));
    const { url: grantedBefore } = await negotiate(server.url, { hash, action: 'download' }, 'found');

    await spoil();
    const answers: string[] = [];
    for (const item of [
      { hash, action: 'download' },
      { hash: late, action: 'upload' },
    ]) {
      const reply = await postNegotiate(server.url, item);
      assert.equal(reply.status, status);
      answers.push(await reply.text());
    }
    const ready = await fetch(`${server.url}/ready`);
    assert.equal(ready.status, 503);
    answers.push(await ready.text());
    assert.equal((await fetch(grantedBefore)).status, 403, 'what the old key signed opens nothing');
    await until(async () => reason.test(faults(server)));
    assert.match(answers.join('\n'), reason);
    for (const secret of secrets) {
      assert.ok(![JSON.stringify(server.log), ...answers].some((text) => text.includes(secret)));
    }
    assert.doesNotMatch(JSON.stringify(server.log), /signature=/i);

    await mend();
    assert.deepEqual(await download(server.url, hash), body);
    assert.ok([200, 201].includes(Number(await upload(server.url, late, body))));
    assert.deepEqual(await download(server.url, late), body);
  }
});

/**
 * OpenStack Swift is a real one of these, but takes half a minute to start beside radosgw. So this is radosgw behind
 * a proxy that answers conditional writes as Swift does (501) and passes everything else on. It shows what the
 * gateway makes of that answer; that Swift gives it was seen apart from these tests.
 */
describe('a storage that refuses conditional writes (F23)', { skip: noS3 }, () => {
  const { server: storage, makeBucket, env: keys } = s3 as TestS3;
  let proxy: HttpServer;
  before(async () => {
    proxy = await refuseConditions(storage.endpoint);
  });
  after(() => proxy[Symbol.asyncDispose]());

  test('the gateway does not start on it, and names the setting that accepts the risk', async () => {
    const bucket = await makeBucket();
    const starting = ServerProcess.start({ ...onS3(proxy.url, bucket), ...keys });
    await assert.rejects(starting, ({ message }: Error) => {
      assert.match(message, /refuses writes that are to be the first/);
      assert.match(message, /VC_ALLOW_OVERWRITE_RACE=true/);
      return true;
    });
  });

  test('with the risk accepted it starts, warns once, and stores, gives out and skips what is there', async () => {
    const bucket = await makeBucket();
    const accepting = { ...onS3(proxy.url, bucket), ...keys, VC_ALLOW_OVERWRITE_RACE: 'true' };
    await using server = await ServerProcess.start(accepting);
    const [hash, body] = [freshHash(), randomBytes(10_000)];
    const { url, headers } = await negotiate(server.url, { hash, action: 'upload' }, 'upload_needed');
    assert.ok(!('if-none-match' in headers));
    assert.equal((await fetch(url, { method: 'PUT', headers, body })).status, 200);
    assert.deepEqual(await download(server.url, hash), body);
    assert.equal(await upload(server.url, hash, randomBytes(10_000)), 'skipped');
    const warnings = server.log.filter(({ level }) => level === 'warn');
    assert.equal(warnings.length, 1);
    assert.match(JSON.stringify(warnings), /of two uploads at once the later one may win/);
  });

  test('on the same server without that proxy it starts and warns of nothing', async () => {
    const env = { ...onS3(storage.endpoint, await makeBucket()), ...keys };
    await using server = await ServerProcess.start(env);
    assert.ok(!server.log.some(({ level }) => level === 'warn'));
  });
});

describe('a clock that is wrong (F27)', { skip: noS3 }, () => {
  for (const [direction, offMs] of [
    ['ahead of', 86_400_000],
    ['behind', -86_400_000],
  ] as const) {
    test(`a gateway ${direction} its S3 storage by a day does not start, and names the clock, not the credentials`, async () => {
      const { server: storage, makeBucket, env: keys } = s3 as TestS3;
      const env = { ...onS3(storage.endpoint, await makeBucket()), ...keys, ...withClockOff(offMs) };
      await assert.rejects(ServerProcess.start(env), ({ message }: Error) => {
        assert.match(message, new RegExp(`clock is 1440 minutes ${direction} the storage’s`));
        assert.doesNotMatch(message, /credentials/);
        return true;
      });
    });
  }

  /** The environment of a process in which `Date` is off, as on a machine that is. */
  function withClockOff(ms: number): Record<string, string> {
    const program = `const D = Date; globalThis.Date = class extends D {
      constructor(...given) { given.length > 0 ? super(...given) : super(D.now() + ${ms}); }
      static now() { return D.now() + ${ms}; }
    };`;
    return { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(program)}` };
  }
});

function onS3(endpoint: string, bucket: string): Record<string, string> {
  return { VC_STORAGE_DRIVER: 's3', VC_S3_BUCKET: bucket, VC_S3_ENDPOINT: endpoint };
}

/** Negotiates and uploads; the whole answer to the upload. */
async function put(url: string, hash: string, body: Buffer): Promise<Response> {
  const granted = await negotiate(url, { hash, action: 'upload' }, 'upload_needed');
  return fetch(granted.url, { method: 'PUT', headers: granted.headers, body });
}

/** What a server logged as errors so far. */
function faults({ log }: ServerProcess): string {
  return log
    .filter(({ level }) => level === 'error')
    .map((line) => JSON.stringify(line))
    .join('\n');
}
