import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { blockCount } from './block-checksums.ts';
import { decodeRecord, encodeUse, RecordDraft } from './entry-record.ts';

const keep = (raw: unknown): unknown => raw;

const drafts = fc.record({
  key: fc.string({ unit: 'binary' }),
  sizeBytes: fc.nat(20_000_000),
  meta: fc.jsonValue(),
  storedAt: fc.nat(4_000_000_000_000),
});

/** A record with checksums of as many digits as there can be, or of few. */
function encode(
  { key, sizeBytes, meta, storedAt }: ReturnType<typeof drafts.generate>['value'],
  crc: number,
) {
  const draft = new RecordDraft(key, sizeBytes, meta);
  return { draft, bytes: draft.encode(new Array(blockCount(sizeBytes)).fill(crc), storedAt) };
}

test('what is written reads back, is JSON, and is no larger than was said before', () => {
  fc.assert(
    fc.property(drafts, fc.constantFrom(0, 2 ** 32 - 1), (entry, crc) => {
      const { draft, bytes } = encode(entry, crc);
      const record = decodeRecord(bytes, keep);
      assert.deepEqual(
        { ...record, blocks: undefined },
        {
          key: entry.key,
          sizeBytes: entry.sizeBytes,
          blocks: undefined,
          storedAt: entry.storedAt,
          lastUsedAt: entry.storedAt,
          uses: 0,
          meta: JSON.parse(JSON.stringify(entry.meta)),
        },
      );
      assert.ok(record?.blocks.every((block) => block === crc));
      assert.equal(JSON.parse(bytes.toString()).blockBytes, 262_144);
      assert.ok(bytes.length <= draft.mostBytes, `${bytes.length} > ${draft.mostBytes}`);
    }),
  );
});

test('statistics are replaced in place, whatever their numbers', () => {
  fc.assert(
    fc.property(drafts, fc.maxSafeNat(), fc.nat(), (entry, lastUsedAt, uses) => {
      const { bytes } = encode(entry, 7);
      encodeUse(lastUsedAt, uses).copy(bytes);
      const record = decodeRecord(bytes, keep);
      assert.deepEqual([record?.lastUsedAt, record?.uses, record?.key], [lastUsedAt, uses, entry.key]);
    }),
  );
});

test('statistics beyond all bounds are bounded, and never move what follows', () => {
  const usual = encodeUse(1, 1).length;
  for (const [lastUsedAt, uses] of [
    [-5, 0],
    [1.5, 10 ** 12],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  ] as const)
    assert.equal(encodeUse(lastUsedAt, uses).length, usual);
});

test('a record with any one bit flipped after its statistics, or cut anywhere, is none', () => {
  const { bytes } = encode(
    { key: 'key', sizeBytes: 300_000, meta: { a: ['b', 1] }, storedAt: 1_767_225_600_000 },
    5,
  );
  for (let at = encodeUse(0, 0).length; at < bytes.length; at++)
    for (let bit = 0; bit < 8; bit++) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ (1 << bit);
      assert.equal(decodeRecord(altered, keep), undefined, altered.toString());
    }
  for (let length = 0; length < bytes.length; length++)
    assert.equal(decodeRecord(bytes.subarray(0, length), keep), undefined);
});

test('with a bit flipped in its statistics it is none, or the same entry used at another time', () => {
  const { bytes } = encode({ key: 'key', sizeBytes: 1, meta: 'm', storedAt: 1_767_225_600_000 }, 5);
  for (let at = 0; at < encodeUse(0, 0).length; at++)
    for (let bit = 0; bit < 8; bit++) {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ (1 << bit);
      const record = decodeRecord(altered, keep);
      if (record === undefined) continue;
      assert.deepEqual([record.key, record.sizeBytes, record.meta, record.blocks], ['key', 1, 'm', [5]]);
      assert.ok(record.lastUsedAt >= 0 && record.uses >= 0);
    }
});

test('no bytes make it throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(decodeRecord(Buffer.from(bytes), keep), undefined);
    }),
  );
});
