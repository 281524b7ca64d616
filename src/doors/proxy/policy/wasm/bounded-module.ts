import { ByteReader } from './byte-reader.ts';
import { sized, u32 } from './leb128.ts';
import { boundMemory, boundTables } from './limits.ts';
import { chargeBody, type Meter, meterBody } from './metered-body.ts';
import { moduleRefusal } from './module-refusal.ts';
import { appendEntries, entriesOf, joinSections, SECTION, type Sections, splitSections } from './sections.ts';
import { readValueType } from './value-type.ts';

/** Names under which a bounded module exports what the host needs of it. */
export const BOUND_EXPORTS = {
  /** A global of i32: how many instructions it may run before it asks. */
  fuel: 'velocity:fuel',
  /** A table: its one entry is the function that it asks. */
  refuel: 'velocity:refuel',
  /** Its start function, which is called once there is fuel. */
  start: 'velocity:start',
} as const;

const FUNCTION = 0;
const TABLE = 1;
const GLOBAL = 3;

/**
 * The same module, that cannot run for longer or take more memory than the host lets it: every function and every turn
 * of a loop pays for its instructions, memory and tables have a maximum. Nothing in it changes its index.
 * @param module one that the engine takes for valid, or it could use what is added here
 * @param importedFunctions how many; nothing else may be imported
 * @param maxMemory bytes
 */
export function boundModule(module: Uint8Array, importedFunctions: number, maxMemory: number): Uint8Array {
  const sections = splitSections(module);
  checkTypes(sections);
  boundMemory(sections, maxMemory);
  boundTables(sections);

  const types = entriesOf(sections, SECTION.types);
  const functions = importedFunctions + entriesOf(sections, SECTION.functions);
  const table = entriesOf(sections, SECTION.tables);
  const meter: Meter = {
    fuel: entriesOf(sections, SECTION.globals),
    refuel: functions,
    charge: functions + 1,
  };
  meterCode(sections, meter);

  appendEntries(sections, SECTION.types, [
    [0x60, 0, 0],
    [0x60, 1, 0x7f, 1, 0x7f],
  ]);
  appendEntries(sections, SECTION.functions, [u32(types), u32(types + 1)]);
  appendEntries(sections, SECTION.tables, [[0x70, 1, 1, 1]]);
  appendEntries(sections, SECTION.globals, [[0x7f, 1, 0x41, 0, 0x0b]]);
  const refuel = [0, 0x41, 0, 0x11, ...u32(types), ...u32(table), 0x0b];
  appendEntries(sections, SECTION.code, [[...u32(refuel.length), ...refuel], sizedList(chargeBody(meter))]);
  appendEntries(sections, SECTION.exports, [
    exported(BOUND_EXPORTS.fuel, GLOBAL, meter.fuel),
    exported(BOUND_EXPORTS.refuel, TABLE, table),
    ...startOf(sections),
  ]);
  return joinSections(sections);
}

function startOf(sections: Sections): number[][] {
  const start = sections.get(SECTION.start);
  if (start === undefined) return [];
  sections.delete(SECTION.start);
  return [exported(BOUND_EXPORTS.start, FUNCTION, new ByteReader(start).u32())];
}

function exported(name: string, kind: number, index: number): number[] {
  return [...sizedList([...Buffer.from(name)]), kind, ...u32(index)];
}

function sizedList(bytes: readonly number[]): number[] {
  return [...u32(bytes.length), ...bytes];
}

/** That each entry is one type, and its index its place. */
function checkTypes(sections: Sections): void {
  const reader = new ByteReader(sections.get(SECTION.types) ?? Uint8Array.of(0));
  for (let left = reader.u32(); left > 0; left--) {
    if (reader.byte() !== 0x60)
      throw moduleRefusal('it has a type that is no function’s, of a proposal that policies cannot use');
    for (let side = 0; side < 2; side++)
      for (let values = reader.u32(); values > 0; values--) readValueType(reader);
  }
}

function meterCode(sections: Sections, meter: Meter): void {
  const reader = new ByteReader(sections.get(SECTION.code) ?? Uint8Array.of(0));
  const count = reader.u32();
  const parts: Uint8Array[] = [Uint8Array.from(u32(count))];
  for (let left = count; left > 0; left--) parts.push(sized(meterBody(reader.take(reader.u32()), meter)));
  sections.set(SECTION.code, Buffer.concat(parts));
}
