const CR = 0x0d;
const LF = 0x0a;
/** `0`, its end of line, and no trailers. */
const LAST_CHUNK_BYTES = 5;

/**
 * A body of chunks (RFC 9112 §7.1) that is all there, with nothing behind it and no extensions or trailers. Everything else is
 * `undefined`, which is no judgement.
 * @param at where the first chunk begins
 * @returns the body, in memory of its own
 */
export function simpleChunksIn(piece: Uint8Array, at: number): Uint8Array | undefined {
  const spans: { readonly from: number; readonly to: number }[] = [];
  let length = 0;
  for (let next = at; ; ) {
    const size = sizeAt(piece, next);
    if (size === undefined) return undefined;
    if (size.bytes === 0) {
      const isAll = piece.length - next === LAST_CHUNK_BYTES && isLineEnd(piece, piece.length - 2);
      return isAll && isLineEnd(piece, next + 1) ? together(piece, spans, length) : undefined;
    }
    const to = size.end + size.bytes;
    if (!isLineEnd(piece, to)) return undefined;
    spans.push({ from: size.end, to });
    length += size.bytes;
    next = to + 2;
  }
}

function together(
  piece: Uint8Array,
  spans: readonly { readonly from: number; readonly to: number }[],
  length: number,
): Uint8Array {
  const body = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const { from, to } of spans) {
    body.set(piece.subarray(from, to), at);
    at += to - from;
  }
  return body;
}

/** Up to eight digits, and the end of their line. */
function sizeAt(piece: Uint8Array, at: number): { readonly bytes: number; readonly end: number } | undefined {
  let bytes = 0;
  let next = at;
  for (; next < at + 8; next++) {
    const digit = digitOf(piece[next]);
    if (digit === undefined) break;
    bytes = bytes * 16 + digit;
  }
  return next > at && isLineEnd(piece, next) ? { bytes, end: next + 2 } : undefined;
}

function digitOf(byte = 0): number | undefined {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : undefined;
}

function isLineEnd(piece: Uint8Array, at: number): boolean {
  return piece[at] === CR && piece[at + 1] === LF;
}
