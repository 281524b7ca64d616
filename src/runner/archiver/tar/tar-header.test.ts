import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { VelocityError } from '../../../base/errors.ts';
import { BLOCK_BYTES, paddingAfter, type TarEntry } from './tar-entry.ts';
import { decodeHeader, decodePaxRecords, encodeHeader } from './tar-header.ts';

const FILE: TarEntry = { path: 'a.txt', kind: 'file', mode: 0o644, sizeBytes: 5, target: '' };

function isDamage(error: unknown): boolean {
  return error instanceof VelocityError && error.code === 'ARTIFACT_DAMAGED';
}

/** Writes the checksum anew after a field was changed by hand. */
function resealed(block: Buffer): Buffer {
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

describe('encodeHeader', () => {
  test('what fits the old format takes one block', () => {
    assert.equal(encodeHeader(FILE).length, BLOCK_BYTES);
  });

  test('a name of a hundred letters fits, one of a hundred and one takes a record of its own', () => {
    assert.equal(encodeHeader({ ...FILE, path: 'x'.repeat(100) }).length, BLOCK_BYTES);
    assert.equal(encodeHeader({ ...FILE, path: 'x'.repeat(101) }).length, 3 * BLOCK_BYTES);
  });

  test('letters beyond ASCII take a record, which is UTF-8 by definition', () => {
    const records = decodePaxRecords(
      encodeHeader({ ...FILE, path: 'ä' }).subarray(BLOCK_BYTES, BLOCK_BYTES + 11),
    );
    assert.deepEqual([...records], [['path', 'ä']]);
  });

  test('a size of more than eight gibibytes takes a record', () => {
    const header = encodeHeader({ ...FILE, sizeBytes: 2 ** 33 });
    assert.match(header.toString('latin1', BLOCK_BYTES), /^\d+ size=8589934592\n/);
  });

  test('the same entry gives the same bytes: no owner, no time', () => {
    assert.deepEqual(encodeHeader(FILE), encodeHeader({ ...FILE }));
    assert.equal(encodeHeader(FILE).toString('latin1', 108, 148).replaceAll(/[0\0]/g, ''), '5');
  });

  test('the length of a record counts itself, also where its own digits add one', () => {
    fc.assert(
      fc.property(fc.integer({ min: 101, max: 1100 }), (length) => {
        const path = 'x'.repeat(length);
        const header = encodeHeader({ ...FILE, path });
        const sizeBytes = decodeHeader(header.subarray(0, BLOCK_BYTES)).sizeBytes;
        const body = header.subarray(BLOCK_BYTES, BLOCK_BYTES + sizeBytes);
        assert.equal(decodePaxRecords(body).get('path'), path);
      }),
    );
  });
});

describe('decodeHeader', () => {
  test('it reads what was written', () => {
    assert.deepEqual(decodeHeader(encodeHeader({ ...FILE, kind: 'link', sizeBytes: 0, target: '../b' })), {
      name: 'a.txt',
      target: '../b',
      type: '2',
      mode: 0o644,
      sizeBytes: 0,
    });
  });

  test('the prefix of a long ustar name goes before it', () => {
    const block = encodeHeader(FILE);
    block.write('some/folder', 345, 'latin1');
    assert.equal(decodeHeader(resealed(block)).name, 'some/folder/a.txt');
  });

  test('an old GNU header has no prefix where ustar has one', () => {
    const block = encodeHeader(FILE);
    block.write('ustar  \0', 257, 'latin1');
    block.write('12345', 345, 'latin1');
    assert.equal(decodeHeader(resealed(block)).name, 'a.txt');
  });

  test('a size in base 256 is read', () => {
    const block = encodeHeader(FILE);
    block.fill(0, 124, 136);
    block[124] = 0x80;
    block.writeBigUInt64BE(2n ** 40n, 128);
    assert.equal(decodeHeader(resealed(block)).sizeBytes, 2 ** 40);
  });

  test('a size beyond what numbers hold, or below nothing, is damage', () => {
    const highs = [
      [0x80, 0, 0, 1],
      [0xff, 0xff, 0xff, 0xff],
      [0x80, 0, 0, 0],
    ];
    for (const high of highs) {
      const block = encodeHeader(FILE);
      block.set(high, 124);
      block.writeBigUInt64BE(high[3] === 0 ? 2n ** 63n : 5n, 128);
      assert.throws(() => decodeHeader(resealed(block)), isDamage);
    }
  });

  test('a number that is not octal is damage', () => {
    const block = encodeHeader(FILE);
    block.write('0000009', 124, 'latin1');
    assert.throws(() => decodeHeader(resealed(block)), isDamage);
  });

  test('any changed byte is damage, for the checksum tells', () => {
    fc.assert(
      fc.property(fc.nat(BLOCK_BYTES - 1), fc.integer({ min: 1, max: 255 }), (index, change) => {
        const block = Buffer.from(encodeHeader(FILE));
        block[index] = (block[index] ?? 0) ^ change;
        const readAs = (() => {
          try {
            return decodeHeader(block);
          } catch (error) {
            assert.ok(isDamage(error));
            return undefined;
          }
        })();
        // The checksum's own field may be written in more ways than one.
        if (readAs) assert.deepEqual(readAs, decodeHeader(encodeHeader(FILE)));
      }),
    );
  });

  test('bytes of any kind are read or refused, never a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: BLOCK_BYTES, maxLength: BLOCK_BYTES }), (bytes) => {
        for (const block of [Buffer.from(bytes), resealed(Buffer.from(bytes))]) {
          try {
            decodeHeader(block);
          } catch (error) {
            assert.ok(isDamage(error));
          }
        }
      }),
    );
  });
});

describe('decodePaxRecords', () => {
  test('values may hold line breaks and equals signs', () => {
    const records = decodePaxRecords(Buffer.from('14 path=a=b\nc\n13 linkpath=\n'));
    assert.deepEqual(
      [...records],
      [
        ['path', 'a=b\nc'],
        ['linkpath', ''],
      ],
    );
  });

  test('what is not a list of records is damage', () => {
    for (const body of [
      'x',
      '5 a=b',
      '99 a=b\n',
      '0 a=b\n',
      '-6 a=b\n',
      '6 abc\n',
      '5 =b\n',
      ' a=b\n',
      '1e1 a=bcd\n',
      '0xa a=bcd\n',
    ])
      assert.throws(() => decodePaxRecords(Buffer.from(body)), isDamage, body);
  });

  test('bytes of any kind are read or refused, never a crash', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodePaxRecords(Buffer.from(bytes));
        } catch (error) {
          assert.ok(isDamage(error));
        }
      }),
    );
  });
});

test('the padding after a body fills its last block', () => {
  assert.deepEqual([0, 1, 511, 512, 513].map(paddingAfter), [0, 511, 1, 0, 511]);
});
