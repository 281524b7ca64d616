/** Writes the wire format of Protocol Buffers, for tests that read it: https://protobuf.dev/programming-guides/encoding/ */

/** A field by its number: bytes or a text with their length, a number as a varint. */
export type Field = readonly [number: number, value: Uint8Array | string | number | bigint];

export function message(...fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.map(([number, value]) => {
      if (typeof value === 'number' || typeof value === 'bigint')
        return Buffer.concat([varint(number * 8), varint(value)]);
      const bytes = Buffer.from(value);
      return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
    }),
  );
}

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** A `Digest` of the Remote Execution API. */
export function digestMessage(hash: string, sizeBytes: number): Buffer {
  return message([1, hash], [2, sizeBytes]);
}
