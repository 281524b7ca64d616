import { ByteReader } from './byte-reader.ts';
import { sized, u32 } from './leb128.ts';
import { moduleRefusal } from './module-refusal.ts';

/** Numbers of sections, in the order in which a module has them. */
export const SECTION = {
  types: 1,
  imports: 2,
  functions: 3,
  tables: 4,
  memories: 5,
  globals: 6,
  exports: 7,
  start: 8,
  elements: 9,
  dataCount: 12,
  code: 10,
  data: 11,
} as const;

const CUSTOM = 0;
const ORDER: readonly number[] = Object.values(SECTION);
const HEADER = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

export type Sections = Map<number, Uint8Array>;

/** Custom sections are left out: those that tell of places in the code would be wrong. */
export function splitSections(module: Uint8Array): Sections {
  const reader = new ByteReader(module);
  const sections: Sections = new Map();
  reader.take(HEADER.length);
  while (!reader.isAtEnd) {
    const id = reader.byte();
    const payload = reader.take(reader.u32());
    if (id === CUSTOM) continue;
    if (!ORDER.includes(id))
      throw moduleRefusal(`it has a section ${id}, of a proposal that policies cannot use`);
    sections.set(id, payload);
  }
  return sections;
}

export function joinSections(sections: Sections): Uint8Array {
  const parts: Uint8Array[] = [HEADER];
  for (const id of ORDER) {
    const payload = sections.get(id);
    if (payload !== undefined) parts.push(Uint8Array.of(id), sized(payload));
  }
  return Buffer.concat(parts);
}

/** How many entries a section has, each of which is what its index counts. */
export function entriesOf(sections: Sections, id: number): number {
  const payload = sections.get(id);
  return payload === undefined ? 0 : new ByteReader(payload).u32();
}

/** Behind the others, so that no index of the module changes. */
export function appendEntries(sections: Sections, id: number, entries: readonly (readonly number[])[]): void {
  const reader = new ByteReader(sections.get(id) ?? Uint8Array.of(0));
  const count = reader.u32() + entries.length;
  sections.set(
    id,
    Buffer.concat([Uint8Array.from(u32(count)), reader.rest(), Uint8Array.from(entries.flat())]),
  );
}
