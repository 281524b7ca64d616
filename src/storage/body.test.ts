import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestOf } from '../base/digest.ts';
import { type Announced, toReadable, VerifyingStream } from './body.ts';

const chunkLists = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 });

/** What came through, and what the stream ended with. */
async function pass(chunks: readonly Uint8Array[], announced: Announced) {
  const through = new VerifyingStream(announced);
  const received: Buffer[] = [];
  through.on('data', (chunk: Buffer) => received.push(chunk));
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  through.once('end', () => resolve('end'));
  through.once('error', resolve);
  for (const chunk of chunks) through.write(chunk);
  through.end();
  return { ended: await ended, received: Buffer.concat(received) };
}

test('a body that is as announced passes unchanged, however it is cut into chunks', async () => {
  await fc.assert(
    fc.asyncProperty(chunkLists, fc.boolean(), fc.boolean(), async (chunks, saysSize, saysDigest) => {
      const whole = Buffer.concat(chunks);
      const { ended, received } = await pass(chunks, {
        sizeBytes: saysSize ? whole.length : undefined,
        digest: saysDigest ? digestOf(whole) : undefined,
      });
      assert.equal(ended, 'end');
      assert.deepEqual(received, whole);
    }),
  );
});

test('a body that is not as announced fails before its last byte, however it is cut into chunks', async () => {
  await fc.assert(
    fc.asyncProperty(chunkLists, fc.boolean(), async (chunks, isSizeWrong) => {
      const whole = Buffer.concat(chunks);
      fc.pre(whole.length > 0);
      const { ended, received } = await pass(
        chunks,
        isSizeWrong ? { sizeBytes: whole.length + 1 } : { digest: digestOf('something else') },
      );
      assert.equal((ended as { code: string }).code, isSizeWrong ? 'BODY_TRUNCATED' : 'DIGEST_MISMATCH');
      assert.ok(received.length < whole.length);
      assert.deepEqual(received, whole.subarray(0, received.length));
    }),
  );
});

test('of a body longer than announced less than the announced length passes, so nobody takes it for whole', async () => {
  await fc.assert(
    fc.asyncProperty(chunkLists, fc.nat(), async (chunks, seed) => {
      const whole = Buffer.concat(chunks);
      fc.pre(whole.length > 0);
      const sizeBytes = seed % whole.length;
      const { ended, received } = await pass(chunks, { sizeBytes });
      assert.equal((ended as { code: string }).code, 'BODY_TRUNCATED');
      assert.ok(received.length < sizeBytes || received.length === 0);
    }),
  );
});

test('an empty body can be wrong too', async () => {
  const { ended } = await pass([], { digest: digestOf('something') });
  assert.equal((ended as { code: string }).code, 'DIGEST_MISMATCH');
});

test('bytes in memory are read as a stream of just these bytes, none included', async () => {
  for (const bytes of [Buffer.from('some'), Buffer.alloc(0)])
    assert.deepEqual(await buffer(toReadable(bytes)), bytes);
});

test('a stream is taken as it is', () => {
  const stream = Readable.from([]);
  assert.equal(toReadable(stream), stream);
});
