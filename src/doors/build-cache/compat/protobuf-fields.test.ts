import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { message, varint } from '../../../../test/rig/protobuf.ts';
import { fieldsOf } from './protobuf-fields.ts';

const number = fc.integer({ min: 1, max: 2 ** 29 - 1 });
const field = fc.oneof(
  fc.tuple(number, fc.uint8Array({ maxLength: 300 })),
  fc.tuple(number, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
);

test('fields are read in the order and with the bytes that they were written with', () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 8 }), (fields) => {
      const read = fieldsOf(message(...fields));
      assert.deepEqual(
        read?.map(({ number, bytes }) => [number, bytes && Buffer.from(bytes)]),
        fields.map(([number, value]) => [number, typeof value === 'bigint' ? undefined : Buffer.from(value)]),
      );
    }),
  );
});

test('of the fields of one number no more are read than are taken, and others are passed over', () => {
  const bytes = message([1, 'a'], [2, 'b'], [1, 'c'], [2, 7]);
  const read = fieldsOf(bytes, { number: 1, atMost: 2 });
  assert.deepEqual(
    read?.map(({ bytes: own }) => String(Buffer.from(own ?? []))),
    ['a', 'c'],
  );
  assert.equal(fieldsOf(bytes, { number: 1, atMost: 1 }), undefined);
});

test('a message that is cut inside a field is none', () => {
  fc.assert(
    fc.property(field, fc.nat(), (one, cut) => {
      const whole = message(one);
      assert.equal(fieldsOf(whole.subarray(0, 1 + (cut % (whole.length - 1)))), undefined);
    }),
  );
});

test('whatever the bytes, they are fields within themselves or none', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const read = fieldsOf(bytes) ?? [];
      const sizeBytes = read.reduce((sum, { bytes: own }) => sum + (own?.length ?? 0), 0);
      assert.ok(sizeBytes <= bytes.length);
    }),
  );
});

for (const [what, bytes] of [
  ['a group', Buffer.from([0x0b, 0x0c])],
  ['the field number 0', Buffer.from([0x02, 0x00])],
  ['a tag of more than 32 bits', Buffer.concat([varint(2n ** 32n), Buffer.from([0])])],
  [
    'a number of more than ten bytes',
    Buffer.concat([Buffer.from([0x08]), Buffer.alloc(10, 0x80), Buffer.from([0])]),
  ],
  ['a length beyond the end', Buffer.concat([Buffer.from([0x0a]), varint(2n ** 60n), Buffer.from('abc')])],
  ['JSON', Buffer.from('{"outputFiles":[]}')],
] as const)
  test(`${what} makes no message`, () => {
    assert.equal(fieldsOf(bytes), undefined);
  });
