import type { ByteReader } from './byte-reader.ts';
import { moduleRefusal } from './module-refusal.ts';

/** i32, i64, f32, f64, v128, funcref, externref: each one byte. What has more belongs to later proposals. */
export const VALUE_TYPES: ReadonlySet<number> = new Set([0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f]);

export const REFERENCE_TYPES: ReadonlySet<number> = new Set([0x70, 0x6f]);

export function readValueType(reader: ByteReader): number {
  const type = reader.byte();
  if (!VALUE_TYPES.has(type)) throw unknownType(type);
  return type;
}

export function unknownType(type: number): Error {
  return moduleRefusal(
    `a type 0x${type.toString(16)} is of a proposal that policies cannot use; they may use WebAssembly 2.0`,
  );
}
