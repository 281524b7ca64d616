import { Readable } from 'node:stream';
import type { FilePath } from '../../files/file-path.ts';

export interface ListedEntry {
  readonly name: string;
  readonly type: 'file' | 'folder' | 'link';
  /** Of a file. */
  readonly sizeBytes?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
}

/** What is in a folder: folders first, then by name, in the order of code points. */
export interface Listing {
  readonly path: FilePath;
  readonly entries: readonly ListedEntry[];
  /** There are others, which were not looked at. */
  readonly more: boolean;
}

/** What is held of a folder. */
const MAX_ENTRIES = 100_000;
/** Entries in one piece of a body. */
const AT_ONCE = 500;
/** RFC 3339 has no later one; some file systems do. */
const LAST_TIME = Date.parse('9999-12-31T23:59:59.999Z');

/** Of a folder that has more entries than a listing: those that come first. */
export async function gatherListing(
  path: FilePath,
  entries: AsyncIterable<ListedEntry> | Iterable<ListedEntry>,
  maxEntries: number = MAX_ENTRIES,
): Promise<Listing> {
  const gathered: ListedEntry[] = [];
  let more = false;
  for await (const entry of entries) {
    more = gathered.length === maxEntries;
    if (more) break;
    gathered.push(entry);
  }
  return { path, entries: gathered.sort(inOrder), more };
}

export const JSON_FIELDS: readonly string[] = ['content-type', 'application/json', 'vary', 'accept'];

/** `{ path, entries: [{ name, type, size?, modified }], more? }` */
export function listingJson({ path, entries, more }: Listing): Readable {
  function* pieces(): Generator<string> {
    yield `{"path":${JSON.stringify(path)},"entries":[`;
    for (let at = 0; at < entries.length; at += AT_ONCE) {
      const batch = entries.slice(at, at + AT_ONCE).map((entry) => JSON.stringify(shownEntry(entry)));
      yield (at === 0 ? '' : ',') + batch.join(',');
    }
    yield more ? '],"more":true}' : ']}';
  }
  return Readable.from(pieces(), { objectMode: false });
}

/** As RFC 3339. */
export function timeOf({ modifiedAt }: ListedEntry): string {
  return new Date(Math.min(modifiedAt, LAST_TIME)).toISOString();
}

function shownEntry(entry: ListedEntry): object {
  const { name, type, sizeBytes: size } = entry;
  return { name, type, ...(size === undefined ? {} : { size }), modified: timeOf(entry) };
}

function inOrder(a: ListedEntry, b: ListedEntry): number {
  const byType = Number(a.type !== 'folder') - Number(b.type !== 'folder');
  return byType === 0 ? byCodePoint(a.name, b.name) : byType;
}

/** JavaScript compares units of UTF-16, by which what is beyond U+FFFF comes before U+E000. */
function byCodePoint(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  const [unit, other] = [a.charCodeAt(at), b.charCodeAt(at)];
  if (Number.isNaN(unit) || Number.isNaN(other)) return a.length - b.length;
  return rank(unit) - rank(other);
}

/** Surrogates after all other units. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
