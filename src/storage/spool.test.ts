import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { openTempFolder, type TempFolder } from '../../test/rig/temp-folder.ts';
import { TinyDisk } from '../../test/rig/tiny-disk.ts';
import { digestOf } from '../base/digest.ts';
import { VelocityError } from '../base/errors.ts';
import { toReadable } from './body.ts';
import { spool } from './spool.ts';

let folder: TempFolder;
before(async () => {
  folder = await openTempFolder();
  process.env['TMPDIR'] = folder.path; // where `tmpdir()` points; this file has a process of its own
});
after(() => folder[Symbol.asyncDispose]());

const MIB = 1024 * 1024;

function* inChunks(bytes: Buffer, size: number): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

for (const [where, size] of [
  ['in memory', 10_000],
  ['in memory, as large as fits', 4 * MIB],
  ['in a file', 4 * MIB + 1],
  ['in a file, of many chunks', 9 * MIB],
] as const) {
  describe(`a body kept ${where}`, () => {
    const body = randomBytes(size);
    const arriving = (): Readable => Readable.from(inChunks(body, 100_000));

    test('is known by length and digest and reads back, more than once', async () => {
      const spooled = await spool(arriving(), {});
      assert.deepEqual([spooled.sizeBytes, spooled.digest], [size, digestOf(body)]);
      assert.deepEqual(await buffer(toReadable(spooled.read())), body);
      assert.deepEqual(await buffer(toReadable(spooled.read())), body);
      await spooled.dispose();
    });

    test('reads back after a reader that broke off', async () => {
      const spooled = await spool(arriving(), {});
      const broken = toReadable(spooled.read());
      await once(broken, 'readable');
      broken.read(1);
      broken.destroy();
      await once(broken, 'close');
      assert.equal(digestOf(await buffer(toReadable(spooled.read()))), digestOf(body));
      await spooled.dispose();
    });

    test('leaves no name in the folder of temporary files', async () => {
      const spooled = await spool(arriving(), {});
      assert.deepEqual(await readdir(folder.path), []);
      await spooled.dispose();
      assert.deepEqual(await readdir(folder.path), []);
    });

    test('is refused where it is not what was announced', async () => {
      await assert.rejects(spool(arriving(), { digest: digestOf('other') }), { code: 'DIGEST_MISMATCH' });
      await assert.rejects(spool(arriving(), { sizeBytes: size + 1 }), { code: 'BODY_TRUNCATED' });
      const right = { sizeBytes: size, digest: digestOf(body) };
      await (await spool(arriving(), right)).dispose();
    });

    test('is thrown away where it breaks off', async () => {
      const breakingOff = Readable.from(
        (async function* () {
          yield* inChunks(body, 100_000);
          throw new Error('the client left');
        })(),
      );
      await assert.rejects(spool(breakingOff, {}), { message: 'the client left' });
      assert.deepEqual(await readdir(folder.path), []);
    });

    test('may come as bytes', async () => {
      const spooled = await spool(body, {});
      assert.equal(digestOf(await buffer(toReadable(spooled.read()))), digestOf(body));
      await spooled.dispose();
    });
  });
}

test('what was spooled in memory is not measured again by the next who spools it, and is held to its digest', async () => {
  const first = await spool(Readable.from([randomBytes(10_000)]), {});
  const bytes = first.read() as Buffer;
  const second = await spool(bytes, { sizeBytes: first.sizeBytes, digest: first.digest });
  assert.equal(second.read(), bytes, 'the same bytes, not a copy that was read through');
  assert.deepEqual([second.sizeBytes, second.digest], [10_000, digestOf(bytes)]);
  await assert.rejects(spool(bytes, { digest: digestOf('other') }), { code: 'DIGEST_MISMATCH' });
  await assert.rejects(spool(bytes, { sizeBytes: 10_001 }), { code: 'BODY_TRUNCATED' });
});

test('an empty body is a body', async () => {
  const spooled = await spool(Readable.from([]), { sizeBytes: 0 });
  assert.deepEqual(await buffer(toReadable(spooled.read())), Buffer.alloc(0));
});

const disk = await TinyDisk.mount(4);
after(() => ('skip' in disk ? undefined : disk[Symbol.asyncDispose]()));

test('without room for it a body is refused in words; which folder is full is in the cause alone', {
  skip: 'skip' in disk ? disk.skip : false,
}, async () => {
  const { path } = disk as TinyDisk;
  process.env['TMPDIR'] = path;
  try {
    const error = await spool(randomBytes(9 * MIB), {}).catch((why: unknown) => why);
    assert.ok(error instanceof VelocityError);
    assert.equal(error.code, 'STORAGE_FULL');
    assert.equal(error.message, 'No room for an upload in the server’s folder of temporary files.');
    assert.equal(String(error.cause), `Error: in ${path}: ENOSPC: no space left on device, write`);
    assert.deepEqual(await readdir(path), []);
  } finally {
    process.env['TMPDIR'] = folder.path;
  }
});
