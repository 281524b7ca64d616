import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { digestOf } from '../digest.ts';
import { SLAB_BYTES } from './digest-messages.ts';
import { DigestPool } from './digest-pool.ts';

const DYING_WORKER = new URL('../../../test/rig/dying-digest-worker.ts', import.meta.url);

function openPool(t: TestContext, options?: ConstructorParameters<typeof DigestPool>[0]): DigestPool {
  const pool = new DigestPool(options);
  t.after(() => pool.close());
  return pool;
}

describe('a growing file', () => {
  test('64 MiB that are written meanwhile have the right digest', async (t) => {
    await using folder = await openTempFolder();
    const pool = openPool(t);
    const bytes = randomBytes(64 * 1024 * 1024);
    await using file = await open(join(folder.path, 'large'), 'wx+');
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const digest = pool.begin(file.fd);
    for (let at = 0; at < bytes.length; at += 100_000) {
      const chunk = bytes.subarray(at, at + 100_000);
      await file.write(chunk, 0, chunk.length, at);
      digest.grown(at + chunk.length);
    }
    const measured = await digest.end(bytes.length);
    delay.disable();
    t.diagnostic(`longest pause of the event loop: ${Math.round(delay.max / 1e6)} ms`);
    assert.equal(measured, digestOf(bytes));
  });

  for (const [what, sizeBytes] of Object.entries({
    nothing: 0,
    'one byte': 1,
    'a slab': SLAB_BYTES,
    'a slab and a byte': SLAB_BYTES + 1,
  }))
    test(`${what} has its digest, told of in many parts or not at all`, async (t) => {
      await using folder = await openTempFolder();
      const pool = openPool(t);
      const path = join(folder.path, 'file');
      const bytes = randomBytes(sizeBytes);
      await writeFile(path, bytes);
      await using file = await open(path);
      const untold = pool.begin(file.fd);
      const told = pool.begin(file.fd);
      for (let upTo = 0; upTo <= sizeBytes; upTo += Math.max(1, Math.ceil(sizeBytes / 1000)))
        told.grown(upTo);
      assert.deepEqual(await Promise.all([told.end(sizeBytes), untold.end(sizeBytes)]), [
        digestOf(bytes),
        digestOf(bytes),
      ]);
    });

  test('bytes past the end that was told are not looked at', async (t) => {
    await using folder = await openTempFolder();
    const path = join(folder.path, 'file');
    await writeFile(path, 'some and more');
    await using file = await open(path);
    assert.equal(await openPool(t).begin(file.fd).end(4), digestOf('some'));
  });

  test('a large one does not hold up a small one on the same thread', async (t) => {
    await using folder = await openTempFolder();
    const pool = openPool(t, { threads: 1 });
    await using large = await open(join(folder.path, 'large'), 'wx+');
    await large.truncate(64 * SLAB_BYTES);
    await writeFile(join(folder.path, 'small'), 'small');
    await using small = await open(join(folder.path, 'small'));
    const order: string[] = [];
    await Promise.all([
      pool
        .begin(large.fd)
        .end(64 * SLAB_BYTES)
        .then(() => order.push('large')),
      pool
        .begin(small.fd)
        .end(5)
        .then(() => order.push('small')),
    ]);
    assert.deepEqual(order, ['small', 'large']);
  });

  test('one that is shorter than was told fails, and only once it is asked for', async (t) => {
    await using folder = await openTempFolder();
    const path = join(folder.path, 'file');
    await writeFile(path, randomBytes(SLAB_BYTES));
    await using file = await open(path);
    const digest = openPool(t).begin(file.fd);
    digest.grown(2 * SLAB_BYTES);
    await truncate(path, 10);
    await assert.rejects(digest.end(3 * SLAB_BYTES), { code: 'STORAGE_FAILED' });
  });

  test('what cannot be read fails', async (t) => {
    await using folder = await openTempFolder();
    await using file = await open(join(folder.path, 'file'), 'wx'); // for writing alone
    await file.write('some');
    await assert.rejects(openPool(t).begin(file.fd).end(4), (error: Error) =>
      /EBADF/.test(String(error.cause)),
    );
  });
});

describe('abort', () => {
  test('it is done once the descriptor may be closed, whatever was told before, and may be said again', async (t) => {
    await using folder = await openTempFolder();
    const pool = openPool(t, { threads: 1 });
    const path = join(folder.path, 'file');
    await writeFile(path, randomBytes(8 * SLAB_BYTES));
    for (const told of [0, 1, SLAB_BYTES, 8 * SLAB_BYTES]) {
      const file = await open(path);
      const digest = pool.begin(file.fd);
      digest.grown(told);
      await Promise.all([digest.abort(), digest.abort()]);
      await file.close();
      await assert.rejects(digest.end(8 * SLAB_BYTES), { code: 'STORAGE_FAILED' });
    }
    await using file = await open(path);
    assert.equal(await pool.begin(file.fd).end(8 * SLAB_BYTES), digestOf(await readFile(path)));
  });

  test('one that was to end fails, or was done before', async (t) => {
    await using folder = await openTempFolder();
    await using file = await open(join(folder.path, 'file'), 'wx+');
    await file.truncate(64 * SLAB_BYTES);
    const digest = openPool(t, { threads: 1 }).begin(file.fd);
    const end = assert.rejects(digest.end(64 * SLAB_BYTES), { code: 'STORAGE_FAILED' });
    await digest.abort();
    await end;
  });

  test('after the end it has nothing to do', async (t) => {
    await using folder = await openTempFolder();
    await using file = await open(join(folder.path, 'file'), 'wx+');
    const digest = openPool(t).begin(file.fd);
    assert.equal(await digest.end(0), digestOf(''));
    await digest.abort();
    assert.equal(await digest.end(0), digestOf(''));
  });
});

test('a thread that dies fails its digests, and another takes the next', async (t) => {
  await using folder = await openTempFolder();
  const pool = openPool(t, { threads: 1, script: DYING_WORKER });
  const path = join(folder.path, 'file');
  await writeFile(path, 'thirteen long');
  await using file = await open(path);
  const waiting = pool.begin(file.fd);
  await assert.rejects(pool.begin(file.fd).end(13), (error: Error) => /killed/.test(String(error.cause)));
  await assert.rejects(waiting.end(12), { code: 'STORAGE_FAILED' });
  await waiting.abort();
  assert.equal(await pool.begin(file.fd).end(12), digestOf('thirteen lon'));
});

test('what is not done when the pool is closed fails', async (t) => {
  await using folder = await openTempFolder();
  await using file = await open(join(folder.path, 'file'), 'wx+');
  const pool = openPool(t);
  const digest = pool.begin(file.fd);
  await pool.close();
  await digest.abort();
  await assert.rejects(digest.end(0), { code: 'STORAGE_FAILED' });
});

test('a process ends with a pool that nobody closed, and not before a digest that it waits for', async () => {
  const script = `
    import { DigestPool } from ${JSON.stringify(new URL('./digest-pool.ts', import.meta.url).href)};
    const { digest } = await new DigestPool().digestFile(process.execPath);
    console.log(digest);`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  assert.match(stdout, /^[0-9a-f]{64}\n$/);
});

describe('digestFile', () => {
  test('by its path or opened', async (t) => {
    await using folder = await openTempFolder();
    const pool = openPool(t);
    const path = join(folder.path, 'file');
    const bytes = randomBytes(3 * SLAB_BYTES + 5);
    await writeFile(path, bytes);
    await using file = await open(path);
    const expected = { digest: digestOf(bytes), sizeBytes: bytes.length };
    assert.deepEqual(await Promise.all([pool.digestFile(path), pool.digestFile(file)]), [expected, expected]);
  });

  test('what is not there, and what is not a file', async (t) => {
    await using folder = await openTempFolder();
    const pool = openPool(t);
    await assert.rejects(pool.digestFile(join(folder.path, 'gone')), { code: 'ENOENT' });
    await mkdir(join(folder.path, 'folder'));
    await assert.rejects(pool.digestFile(join(folder.path, 'folder')), { code: 'STORAGE_FAILED' });
    await promisify(execFile)('mkfifo', [join(folder.path, 'pipe')]);
    await assert.rejects(pool.digestFile(join(folder.path, 'pipe')), { code: 'STORAGE_FAILED' });
  });
});
