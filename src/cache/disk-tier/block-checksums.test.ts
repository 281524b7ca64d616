import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { BLOCK_BYTES, BlockChecksums, blockCount } from './block-checksums.ts';

const BODY = randomBytes(4 * BLOCK_BYTES);

test('each block has the CRC-32 of its bytes, however the body was cut into chunks', () => {
  fc.assert(
    fc.property(
      fc.nat(BODY.length),
      fc.array(fc.integer({ min: 1, max: 600_000 }), { minLength: 1 }),
      (size, lengths) => {
        const body = BODY.subarray(0, size);
        const checksums = new BlockChecksums();
        for (let at = 0, i = 0; at < size; i++) {
          const length = lengths[i % lengths.length] ?? 1;
          checksums.update(body.subarray(at, at + length));
          at += length;
        }
        assert.equal(checksums.bytes, size);
        const expected = Array.from({ length: blockCount(size) }, (_, i) =>
          crc32(body.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES)),
        );
        assert.deepEqual(checksums.finish(), expected);
      },
    ),
    { numRuns: 50 },
  );
});

test('a block has its checksum as soon as it is whole, and not before', () => {
  const checksums = new BlockChecksums();
  checksums.update(BODY.subarray(0, BLOCK_BYTES - 1));
  assert.equal(checksums.of(0), undefined);
  checksums.update(BODY.subarray(BLOCK_BYTES - 1, BLOCK_BYTES + 1));
  assert.equal(checksums.of(0), crc32(BODY.subarray(0, BLOCK_BYTES)));
  assert.equal(checksums.of(1), undefined);
});

test('an empty body has no blocks', () => {
  assert.deepEqual([new BlockChecksums().finish(), blockCount(0)], [[], 0]);
});
