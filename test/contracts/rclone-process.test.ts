import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isRunning } from '../../src/base/process-identity.ts';
import { Secret } from '../../src/base/secret.ts';
import { RcloneDaemon } from '../../src/storage/drivers/rclone/rclone-daemon.ts';
import type { RcloneProcess } from '../../src/storage/drivers/rclone/rclone-process.ts';
import { RcloneStore } from '../../src/storage/drivers/rclone/rclone-store.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import type { ObjectStore } from '../../src/storage/store.ts';
import { ensureDebian } from '../rig/debian.ts';
import { ManualClock } from '../rig/manual-clock.ts';
import { RCLONE_NEED, startWebdav } from '../rig/rclone.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { until } from '../rig/until.ts';

const KEY = parseObjectKey('a/key');
const PROGRAM = { program: 'rclone', configFile: undefined };
const ready = await ensureDebian(RCLONE_NEED);

/** That which the stores of this clock share; whoever asks is one of them for a moment. */
async function processOf(clock: ManualClock): Promise<RcloneProcess> {
  const daemon = RcloneDaemon.of(PROGRAM, clock);
  try {
    return await daemon.running();
  } finally {
    await daemon.release();
  }
}

async function kill(pid: number): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await until(async () => !isRunning(pid));
}

async function read(store: ObjectStore): Promise<string | undefined> {
  const got = await store.get(KEY);
  return got === undefined || got === 'unsatisfiable' ? undefined : (await buffer(got.body)).toString();
}

describe('the process of rclone', { skip: ready === 'ready' ? false : ready.skip }, () => {
  test('the stores of a server share one process, which ends with the last of them', async () => {
    await using folder = await openTempFolder();
    const clock = new ManualClock();
    const [a, b] = ['a', 'b'].map((name) => join(folder.path, name));
    const first = await RcloneStore.open({ remote: 'local', path: a, clock });
    const second = await RcloneStore.open({ remote: 'local', path: b, clock });
    const { pid } = await processOf(clock);
    await first.put(KEY, Buffer.from('of a'), { ifAbsent: true });
    assert.equal(await second.head(KEY), undefined);
    await first.close();
    assert.equal((await processOf(clock)).pid, pid);
    await second.put(KEY, Buffer.from('of b'), { ifAbsent: true });
    assert.equal(await read(second), 'of b');
    await second.close();
    assert.equal(isRunning(pid), false);
  });

  test('a request after it died starts it again, and it knows the remotes', async () => {
    await using folder = await openTempFolder();
    const clock = new ManualClock();
    const store = await RcloneStore.open({ remote: 'local', path: folder.path, clock });
    await store.put(KEY, Buffer.from('a body'), { ifAbsent: true });
    const { pid } = await processOf(clock);
    await kill(pid);
    assert.equal(await read(store), 'a body');
    assert.notEqual((await processOf(clock)).pid, pid);
    await store.close();
  });

  test('one that dies again and again is left alone for a while that doubles', async () => {
    await using folder = await openTempFolder();
    const clock = new ManualClock();
    const store = await RcloneStore.open({ remote: 'local', path: folder.path, clock });
    for (const pauseMs of [0, 500, 1000, 2000]) {
      await kill((await processOf(clock)).pid);
      if (pauseMs > 0) {
        clock.advance(pauseMs - 1);
        await assert.rejects(store.head(KEY), { code: 'STORAGE_UNAVAILABLE' });
        clock.advance(1);
      }
      assert.equal(await store.head(KEY), undefined);
    }
    clock.advance(60_000);
    await kill((await processOf(clock)).pid);
    assert.equal(await store.head(KEY), undefined, 'one that was steady is started again at once');
    await store.close();
  });

  test('no credential is on a command line or in the environment, and none is handed out without a password', async () => {
    await using folder = await openTempFolder();
    await using server = await startWebdav(folder.path);
    const clock = new ManualClock();
    const { url, user, password } = server;
    const options = { url: new Secret(url), user: new Secret(user), pass: new Secret(password) };
    const store = await RcloneStore.open({ remote: 'webdav', options, clock });
    await store.put(KEY, Buffer.from('a body'), { ifAbsent: true });
    const { pid, client } = await processOf(clock);
    const line = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    assert.equal(line[0], 'rclone');
    const environment = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
    const own = environment.flatMap((each) => /^RCLONE_RC_(?:USER|PASS)=(.+)/.exec(each)?.[1] ?? []);
    assert.equal(own.length, 2);
    for (const secret of [url, user, password, ...own]) {
      assert.ok(!line.some((word) => word.includes(secret)), secret);
    }
    assert.ok(!environment.some((each) => each.includes(password)));
    for (const path of ['config/dump', 'rc/noopauth'])
      assert.ok([401, 403].includes((await fetch(client.address + path, { method: 'POST' })).status), path);
    await store.close();
  });

  test('it ends with a server that is killed', async () => {
    await using folder = await openTempFolder();
    const driver = fileURLToPath(
      new URL('../../src/storage/drivers/rclone/rclone-process.ts', import.meta.url),
    );
    const script = join(folder.path, 'server.ts');
    await writeFile(
      script,
      `import { systemClock } from '${driver.replace('drivers/rclone/rclone-process.ts', '../base/clock.ts')}';
       import { RcloneProcess } from '${driver}';
       const { pid } = await RcloneProcess.start({ program: 'rclone', configFile: undefined }, systemClock);
       console.log(pid);
       setInterval(() => {}, 1000);`,
    );
    const server = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const said = text(server.stdout);
    server.stdout.once('data', () => server.kill('SIGKILL'));
    const pid = Number(await said);
    assert.ok(pid > 0);
    await until(async () => !isRunning(pid));
  });
});

test('a program that is not there is said to be missing, with what to install', async () => {
  const open = RcloneStore.open({ remote: 'local', program: 'no-such-rclone' });
  await assert.rejects(open, { code: 'DRIVER_UNAVAILABLE', message: /install rclone/ });
});

test('a configuration file that cannot be read, and a backend that rclone does not have, end the opening', async (t) => {
  const missing = RcloneStore.open({ remote: 'media', configFile: '/nowhere/rclone.conf' });
  await assert.rejects(missing, { code: 'DRIVER_UNAVAILABLE', message: /nowhere/ });
  if (ready !== 'ready') return t.skip(ready.skip);
  const unknown = RcloneStore.open({ remote: 'no-such-backend' });
  await assert.rejects(unknown, { code: 'DRIVER_UNAVAILABLE', message: /no backend "no-such-backend"/ });
});

test('a remote of a configuration file is used under its name, and the file is left as it is', async (t) => {
  if (ready !== 'ready') return t.skip(ready.skip);
  await using folder = await openTempFolder();
  const configFile = join(folder.path, 'rclone.conf');
  const written = `[media]\ntype = alias\nremote = ${folder.path}/objects\n`;
  await writeFile(configFile, written);
  const store = await RcloneStore.open({ remote: 'media', path: 'below', configFile });
  await store.put(KEY, Buffer.from('a body'), { ifAbsent: true });
  assert.equal(await readFile(join(folder.path, 'objects/below', KEY), 'utf8'), 'a body');
  await store.close();
  assert.equal(await readFile(configFile, 'utf8'), written);
});

test('a wrong password is a refusal, told without it', async (t) => {
  if (ready !== 'ready') return t.skip(ready.skip);
  await using folder = await openTempFolder();
  await using server = await startWebdav(folder.path);
  const options = {
    url: new Secret(server.url),
    user: new Secret(server.user),
    pass: new Secret('a-wrong-password'),
  };
  const store = await RcloneStore.open({ remote: 'webdav', options });
  const error = await store.probe().catch((thrown: unknown) => thrown);
  assert.ok(error instanceof Error && 'code' in error);
  assert.equal(error.code, 'STORAGE_FAILED');
  assert.ok(!`${error.message} ${String(error.cause)}`.includes('a-wrong-password'));
  await store.close();
});
