import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { takesZstd, zstdDecoded, zstdEncoded } from './zstd.ts';

const BODY = Buffer.concat([randomBytes(300_000), Buffer.alloc(300_000)]);

function streamOf(bytes: Uint8Array): Readable {
  return Readable.from([bytes], { objectMode: false });
}

for (const [header, takes] of [
  [undefined, false],
  ['gzip', false],
  ['zstd', true],
  ['gzip, ZSTD;q=0.5, br', true],
  ['zstd;q=0', false],
  ['gzip,zstd; q=0.000', false],
  ['xzstd', false],
  ['zstdx', false],
] as const)
  test(`Accept-Encoding ${header}: zstd is ${takes ? '' : 'not '}taken`, () => {
    const headers = header === undefined ? {} : { 'accept-encoding': header };
    assert.equal(takesZstd({ headers } as IncomingMessage), takes);
  });

test('what is encoded comes out again', async () => {
  const encoded = await buffer(zstdEncoded(streamOf(BODY)));
  assert.ok(encoded.length < BODY.length);
  assert.deepEqual(zstdDecompressSync(encoded), BODY);
  assert.deepEqual(await buffer(zstdDecoded(streamOf(encoded), BODY.length)), BODY);
});

test('a body that fails while it is encoded fails what comes out', async () => {
  const body = new PassThrough();
  body.write('begun');
  const encoded = zstdEncoded(body);
  setImmediate(() => body.destroy(new Error('the disk failed')));
  await assert.rejects(buffer(encoded), /the disk failed/);
});

test('more than may come out is refused before it has', async () => {
  const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
  assert.ok(bomb.length < 10_000);
  await assert.rejects(buffer(zstdDecoded(streamOf(bomb), 100_000)), { code: 'BODY_TOO_LARGE' });
});

test('a window larger than any usual level asks for is refused: it would be memory', async () => {
  const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_compressionLevel]: 19 };
  const wide = zstdCompressSync(randomBytes(9 * 1024 * 1024), { params });
  await assert.rejects(buffer(zstdDecoded(streamOf(wide), 2 ** 30)), { code: 'BAD_REQUEST' });
});

for (const [what, bytes] of [
  ['other bytes', Buffer.from('no zstd at all')],
  ['a frame that is cut', zstdCompressSync(BODY).subarray(0, 100_000)],
] as const)
  test(`${what} are refused as no zstd`, async () => {
    await assert.rejects(buffer(zstdDecoded(streamOf(bytes), BODY.length)), { code: 'BAD_REQUEST' });
  });

test('a body that goes on after its frame is refused, and not left behind unread', async () => {
  const body = new PassThrough();
  body.write(zstdCompressSync(BODY));
  body.write('more');
  await assert.rejects(buffer(zstdDecoded(body, BODY.length)), { code: 'BAD_REQUEST' });
});

test('a body that breaks off is told as that', async () => {
  const body = new PassThrough();
  body.write(zstdCompressSync(BODY).subarray(0, 1000));
  setImmediate(() => body.destroy(new Error('the client left')));
  await assert.rejects(buffer(zstdDecoded(body, BODY.length)), /the client left/);
});
