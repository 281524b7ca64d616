import { ByteReader } from './byte-reader.ts';
import { OPCODE, readInstruction } from './instruction.ts';
import { positiveI32, u32 } from './leb128.ts';
import { readValueType } from './value-type.ts';

/** Indices of what was added to the module. */
export interface Meter {
  /** A global: how many instructions may be run before `refuel` is called. */
  readonly fuel: number;
  /** A function: asks the host for more. */
  readonly refuel: number;
  /** A function: takes fuel for as much as the number says that it is given and gives back. */
  readonly charge: number;
}

/** Of one that works on as much as it is given, or asks for memory, beside what `charge` takes. */
const LENGTHY_COST = 200;
/** So many locals are made ready in the time of an instruction. */
const LOCALS_PER_COST = 8;

/** A function's body or a loop's, without the loops in it. */
interface Stretch {
  /** Where its charge stands, in bytes of the body. */
  readonly at: number;
  cost: number;
}

/** Where something is put into a body. */
interface Insertion {
  readonly at: number;
  readonly bytes: () => readonly number[];
}

/**
 * Pays for a function's body at its begin, and for a loop's at each turn, instruction by instruction. Between two
 * payments code runs only forwards, so that what was paid is at least what is run.
 * @param body locals and code, as the code section has it
 */
export function meterBody(body: Uint8Array, meter: Meter): Uint8Array {
  const reader = new ByteReader(body);
  const locals = readLocals(reader);
  const insertions: Insertion[] = [];
  const begin = (cost: number): Stretch => {
    const stretch = { at: reader.at, cost };
    insertions.push({ at: stretch.at, bytes: () => payment(stretch.cost, meter) });
    return stretch;
  };

  let current = begin(1 + Math.floor(locals / LOCALS_PER_COST));
  const around: Stretch[] = []; // the stretch that goes on at the end of each open block
  while (!reader.isAtEnd) {
    const { at } = reader;
    const { opcode, isLengthy } = readInstruction(reader);
    if (isLengthy) insertions.push({ at, bytes: () => [0x10, ...u32(meter.charge)] });
    current.cost += isLengthy ? LENGTHY_COST : 1;
    if (opcode === OPCODE.block || opcode === OPCODE.if || opcode === OPCODE.loop) around.push(current);
    if (opcode === OPCODE.loop) current = begin(1);
    if (opcode === OPCODE.end) current = around.pop() ?? current;
  }
  return insertInto(body, insertions);
}

function readLocals(reader: ByteReader): number {
  let locals = 0;
  for (let left = reader.u32(); left > 0; left--) {
    locals += reader.u32();
    readValueType(reader);
  }
  return locals;
}

/** `fuel -= cost; if (fuel < 0) refuel()`: leaves the stack as it was. */
function payment(cost: number, { fuel, refuel }: Meter): number[] {
  const global = u32(fuel);
  return [
    ...[0x23, ...global, 0x41, ...positiveI32(cost), 0x6b, 0x24, ...global],
    ...emptyTank(global, refuel),
  ];
}

function emptyTank(global: readonly number[], refuel: number): number[] {
  return [0x23, ...global, 0x41, 0, 0x48, 0x04, 0x40, 0x10, ...u32(refuel), 0x0b];
}

/** The body of `charge`: an instruction's fuel for every 32 bytes, or whatever it is that is counted. */
export function chargeBody({ fuel, refuel }: Pick<Meter, 'fuel' | 'refuel'>): number[] {
  const global = u32(fuel);
  return [
    0, // no locals
    ...[0x23, ...global, 0x20, 0, 0x41, 5, 0x76, 0x6b, 0x24, ...global],
    ...emptyTank(global, refuel),
    ...[0x20, 0, 0x0b],
  ];
}

function insertInto(body: Uint8Array, insertions: readonly Insertion[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const { at, bytes } of insertions) {
    parts.push(body.subarray(from, at), Uint8Array.from(bytes()));
    from = at;
  }
  parts.push(body.subarray(from));
  return Buffer.concat(parts);
}
