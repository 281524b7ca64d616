/**
 * Reads the wire format of Protocol Buffers, as far as it takes to find the messages and texts in a message.
 * https://protobuf.dev/programming-guides/encoding/
 */

/** One field of a message, as it was sent. */
export interface ProtobufField {
  readonly number: number;
  /** Of a field that has a length: text, bytes, a message. `undefined` of every other: numbers, booleans. */
  readonly bytes: Uint8Array | undefined;
}

const [VARINT, FIXED64, LENGTH_DELIMITED, FIXED32] = [0, 1, 2, 5];
const MAX_VARINT_BYTES = 10;
const MAX_TAG = 2 ** 32;

/** Which fields of a message are wanted: those of one number, and no more than so many of them. */
export interface WantedFields {
  readonly number: number;
  readonly atMost: number;
}

/**
 * In the order they were sent; `undefined` where the bytes are no message, or hold more of the wanted fields than are
 * taken. Groups, long deprecated, are none. Fields that are not wanted must be well-formed and cost no memory.
 */
export function fieldsOf(message: Uint8Array, wanted?: WantedFields): ProtobufField[] | undefined {
  const fields: ProtobufField[] = [];
  let at = 0;

  /** `undefined` where it does not end. Numbers beyond 2^53 are not exact, and longer than any message. */
  const varint = (): number | undefined => {
    let value = 0;
    for (let index = 0; index < MAX_VARINT_BYTES; index++) {
      const byte = message[at++];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * 2 ** (7 * index);
      if (byte < 0x80) return value;
    }
    return undefined;
  };

  while (at < message.length) {
    const tag = varint();
    if (tag === undefined || tag >= MAX_TAG) return undefined;
    const [number, wireType] = [Math.floor(tag / 8), tag % 8];
    const length = wireType === LENGTH_DELIMITED ? varint() : 0;
    if (number === 0 || length === undefined) return undefined;
    const start = at;
    if (wireType === LENGTH_DELIMITED) at += length;
    else if (wireType === FIXED64) at += 8;
    else if (wireType === FIXED32) at += 4;
    else if (wireType !== VARINT || varint() === undefined) return undefined;
    if (at > message.length) return undefined;
    if (wanted && number !== wanted.number) continue;
    if (wanted && fields.length === wanted.atMost) return undefined;
    fields.push({ number, bytes: wireType === LENGTH_DELIMITED ? message.subarray(start, at) : undefined });
  }
  return fields;
}
