import type { ByteReader } from './byte-reader.ts';
import { moduleRefusal } from './module-refusal.ts';
import { readValueType, unknownType, VALUE_TYPES } from './value-type.ts';

export const OPCODE = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  memoryGrow: 0x40,
  bulk: 0xfc,
} as const;

/** The type of a block that takes and gives nothing. */
const NOTHING = 0x40;

/** Those after the prefix `0xfc` that take as long as the number on top of the stack is large. */
const LENGTHY = new Set([8, 10, 11, 12, 14, 15, 17]);

/** What of an instruction is told to whoever measures: it is memory.grow, or works on as much as it is given. */
export interface Instruction {
  readonly opcode: number;
  readonly isLengthy: boolean;
}

/**
 * Reads one instruction to its end: WebAssembly 2.0, which is the MVP with sign extension, saturating conversions,
 * multiple values, bulk memory, reference types and fixed-width SIMD. Any other is refused, for what is not known cannot
 * be measured: exceptions would catch the end of a deadline, threads share memory.
 */
export function readInstruction(reader: ByteReader): Instruction {
  const at = reader.at;
  const opcode = reader.byte();
  if (opcode === OPCODE.bulk) return { opcode, isLengthy: readBulk(reader, at) };
  readImmediates(reader, opcode, at);
  return { opcode, isLengthy: opcode === OPCODE.memoryGrow };
}

function readImmediates(reader: ByteReader, opcode: number, at: number): void {
  if (opcode >= 0x45 && opcode <= 0xc4) return; // comparisons, arithmetic, conversions
  if (opcode >= 0x28 && opcode <= 0x3e) {
    readAddress(reader, at);
    return;
  }
  if (opcode >= 0x20 && opcode <= 0x26) {
    // locals, globals, tables
    reader.skipLeb();
    return;
  }
  switch (opcode) {
    case 0x00: // unreachable
    case 0x01: // nop
    case 0x05: // else
    case OPCODE.end:
    case 0x0f: // return
    case 0x1a: // drop
    case 0x1b: // select
    case 0xd1: // ref.is_null
      return;
    case OPCODE.block:
    case OPCODE.loop:
    case OPCODE.if:
      readBlockType(reader);
      return;
    case 0x0c: // br
    case 0x0d: // br_if
    case 0x10: // call
    case 0x3f: // memory.size
    case OPCODE.memoryGrow:
    case 0x41: // i32.const
    case 0x42: // i64.const
    case 0xd0: // ref.null
    case 0xd2: // ref.func
      reader.skipLeb();
      return;
    case 0x0e: // br_table
      for (let left = reader.u32() + 1; left > 0; left--) reader.skipLeb();
      return;
    case 0x11: // call_indirect
      skipLebs(reader, 2);
      return;
    case 0x1c: // select with types
      for (let left = reader.u32(); left > 0; left--) readValueType(reader);
      return;
    case 0x43: // f32.const
      reader.take(4);
      return;
    case 0x44: // f64.const
      reader.take(8);
      return;
    case 0xfd:
      readVector(reader, at);
      return;
    default:
      throw unknown(opcode.toString(16), at);
  }
}

/** A type's index, nothing, or one value. */
function readBlockType(reader: ByteReader): void {
  const first = reader.byte();
  if (first < 0x40 || first === NOTHING || VALUE_TYPES.has(first)) return;
  let last = first;
  while (last >= 0x80) last = reader.byte();
  if (first < 0x80 || last >= 0x40) throw unknownType(first);
}

/** Whether it takes as long as the number on top of the stack is large. */
function readBulk(reader: ByteReader, at: number): boolean {
  const code = reader.u32();
  if (code > 17) throw unknown(`fc ${code}`, at);
  if (code >= 8) skipLebs(reader, [8, 10, 12, 14].includes(code) ? 2 : 1);
  return LENGTHY.has(code);
}

function readVector(reader: ByteReader, at: number): void {
  const code = reader.u32();
  if (code > 0xff) throw unknown(`fd ${code}`, at);
  if (code <= 11 || (code >= 84 && code <= 93)) readAddress(reader, at);
  if (code === 12 || code === 13) reader.take(16); // v128.const, i8x16.shuffle
  if ((code >= 21 && code <= 34) || (code >= 84 && code <= 91)) reader.byte(); // a lane
}

function readAddress(reader: ByteReader, at: number): void {
  if (reader.u32() >= 0x40)
    throw moduleRefusal(`an instruction at byte ${at} of a function uses a second memory`);
  reader.skipLeb();
}

function skipLebs(reader: ByteReader, count: number): void {
  for (let left = count; left > 0; left--) reader.skipLeb();
}

function unknown(code: string, at: number): Error {
  return moduleRefusal(
    `an instruction 0x${code} at byte ${at} of a function is of a proposal that policies cannot use; they may use WebAssembly 2.0`,
  );
}
