import { spellByteSize } from '../../../../base/byte-size.ts';
import { ByteReader } from './byte-reader.ts';
import { u32 } from './leb128.ts';
import { moduleRefusal } from './module-refusal.ts';
import { SECTION, type Sections } from './sections.ts';
import { REFERENCE_TYPES, unknownType } from './value-type.ts';

export const PAGE_BYTES = 65_536;
const MAX_TABLES = 16;
/** Of each; a module of 2 MB has some thousands. */
const MAX_TABLE_ENTRIES = 100_000;

/** Gives the memory a maximum, which the engine holds, where it has none or a larger one. */
export function boundMemory(sections: Sections, maxMemory: number): void {
  const payload = sections.get(SECTION.memories);
  if (payload === undefined) return;
  const reader = new ByteReader(payload);
  const count = reader.u32();
  if (count > 1) throw moduleRefusal(`it has ${count} memories; policies have one`);
  if (count === 0) return;
  const { min, max } = readLimits(reader, 'its memory');
  const maxPages = Math.floor(maxMemory / PAGE_BYTES);
  if (min > maxPages)
    throw moduleRefusal(
      `it begins with ${spellByteSize(min * PAGE_BYTES)} of memory, and proxy.policy.max_memory is ${spellByteSize(maxMemory)}`,
    );
  sections.set(SECTION.memories, Uint8Array.from([1, 1, ...u32(min), ...u32(Math.min(max, maxPages))]));
}

/** The same for tables. */
export function boundTables(sections: Sections): void {
  const payload = sections.get(SECTION.tables);
  if (payload === undefined) return;
  const reader = new ByteReader(payload);
  const count = reader.u32();
  if (count > MAX_TABLES) throw moduleRefusal(`it has ${count} tables; policies have up to ${MAX_TABLES}`);
  const tables: number[] = [];
  for (let left = count; left > 0; left--) {
    const type = reader.byte();
    if (!REFERENCE_TYPES.has(type)) throw unknownType(type);
    const { min, max } = readLimits(reader, 'a table');
    if (min > MAX_TABLE_ENTRIES)
      throw moduleRefusal(`a table begins with ${min} entries; policies may have ${MAX_TABLE_ENTRIES}`);
    tables.push(type, 1, ...u32(min), ...u32(Math.min(max, MAX_TABLE_ENTRIES)));
  }
  sections.set(SECTION.tables, Uint8Array.from([...u32(count), ...tables]));
}

function readLimits(reader: ByteReader, what: string): { min: number; max: number } {
  const flags = reader.byte();
  if (flags > 1)
    throw moduleRefusal(`${what} is shared, or has addresses of 64 bits; a policy’s is its own, with 32`);
  const min = reader.u32();
  return { min, max: flags === 1 ? reader.u32() : Number.POSITIVE_INFINITY };
}
