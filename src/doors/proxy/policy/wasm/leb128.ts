/** LEB128, unsigned. */
export function u32(value: number): number[] {
  const bytes: number[] = [];
  let left = value;
  while (left >= 0x80) {
    bytes.push((left % 0x80) | 0x80);
    left = Math.floor(left / 0x80);
  }
  return [...bytes, left];
}

/** LEB128 as `i32.const` takes it. @param value from 0 to 2^31 - 1 */
export function positiveI32(value: number): number[] {
  const bytes = u32(value);
  const last = bytes.at(-1) ?? 0;
  return last < 0x40 ? bytes : [...bytes.slice(0, -1), last | 0x80, 0]; // its sign bit would make it negative
}

/** A vector's or a section's bytes after their number. */
export function sized(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from(u32(bytes.length)), bytes]);
}
