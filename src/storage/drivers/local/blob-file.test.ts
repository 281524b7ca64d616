import assert from 'node:assert/strict';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { objectKeys } from '../../../../test/rig/arbitraries.ts';
import { openTempFolder, type TempFolder } from '../../../../test/rig/temp-folder.ts';
import { systemClock } from '../../../base/clock.ts';
import { digestOf } from '../../../base/digest.ts';
import { type BlobFacts, encodeTrailer, readFacts } from './blob-file.ts';
import { QuickCalls } from './quick-calls.ts';

const BODY = Buffer.from('the body of an artifact');
const FACTS: BlobFacts = {
  key: 'objects/abc',
  sizeBytes: BODY.length,
  digest: digestOf(BODY),
  contentType: 'application/zstd',
  storedAt: 1_700_000_000_000,
  fields: { 'content-encoding': 'zstd' },
  metadata: { task: 'web#build' },
};
const BLOB = Buffer.concat([BODY, encodeTrailer(FACTS)]);

let folder: TempFolder;
let file: FileHandle;
before(async () => {
  folder = await openTempFolder();
  file = await open(join(folder.path, 'blob'), 'w+');
});
after(async () => {
  await file.close();
  await folder[Symbol.asyncDispose]();
});

/** The facts of a file of these bytes. */
async function factsOf(bytes: Uint8Array): Promise<BlobFacts | undefined> {
  await file.truncate(0);
  if (bytes.length > 0) await file.write(bytes, 0, bytes.length, 0);
  return readFacts(new QuickCalls(systemClock), file.fd, bytes.length);
}

test('facts read back as they were written, whatever the lengths of body and facts', async () => {
  const facts = fc.record(
    {
      key: objectKeys.map(String),
      contentType: fc.option(fc.string(), { nil: undefined }),
      storedAt: fc.option(fc.nat(), { nil: undefined }),
      fields: fc.record(
        { 'content-encoding': fc.string({ minLength: 1 }), 'cache-control': fc.string({ minLength: 1 }) },
        { requiredKeys: [], noNullPrototype: true },
      ),
      metadata: fc.dictionary(fc.string(), fc.string({ maxLength: 3000 }), { noNullPrototype: true }),
    },
    { noNullPrototype: true },
  );
  await fc.assert(
    fc.asyncProperty(facts, fc.uint8Array({ maxLength: 3000 }), async (given, body) => {
      const whole = { ...given, sizeBytes: body.length, digest: digestOf(body) };
      assert.deepEqual(await factsOf(Buffer.concat([body, encodeTrailer(whole)])), whole);
    }),
  );
});

test('any one byte of the trailer that is changed is found out', async () => {
  for (let at = BODY.length; at < BLOB.length; at++) {
    for (const flip of [0x01, 0x20, 0x80, 0xff]) {
      const changed = Buffer.from(BLOB);
      changed[at] = (changed[at] ?? 0) ^ flip;
      assert.equal(await factsOf(changed), undefined, `byte ${at} ^ ${flip}`);
    }
  }
});

test('a file cut at any place is found out', async () => {
  for (let length = 0; length < BLOB.length; length++) {
    assert.equal(await factsOf(BLOB.subarray(0, length)), undefined, `${length} bytes`);
  }
});

test('a file that lost or gained bytes at its front is found out', async () => {
  assert.equal(await factsOf(BLOB.subarray(1)), undefined);
  assert.equal(await factsOf(Buffer.concat([Buffer.of(0), BLOB])), undefined);
});

test('a file that gained bytes at its end is found out', async () => {
  assert.equal(await factsOf(Buffer.concat([BLOB, Buffer.of(0)])), undefined);
});

test('a file of zeros, as a power cut leaves them, is found out', async () => {
  for (const length of [1, 15, 16, 17, BLOB.length, 5000])
    assert.equal(await factsOf(Buffer.alloc(length)), undefined);
});

test('arbitrary bytes behind or before a magic are no blob', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      assert.equal(await factsOf(Buffer.concat([bytes, Buffer.from('VCBLOB1\n')])), undefined);
    }),
  );
});

test('a length of facts beyond all measure is damage and is not read', async () => {
  const trailer = Buffer.from(encodeTrailer(FACTS));
  trailer.writeUInt32BE(100_000, trailer.length - 16);
  const file = Buffer.concat([BODY, Buffer.alloc(200_000), trailer]);
  assert.equal(await factsOf(file), undefined);
});

test('facts that could not be read back are not written', () => {
  assert.throws(() => encodeTrailer({ ...FACTS, metadata: { long: 'x'.repeat(100_000) } }), {
    code: 'BAD_REQUEST',
    field: 'metadata',
  });
});
