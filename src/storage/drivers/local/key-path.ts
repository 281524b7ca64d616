import { isUtf8 } from 'node:buffer';
import { asObjectKey, type ObjectKey } from '../../object-key.ts';

/**
 * Where a key lives below the store's folder, so that every key has one file, no two
 * keys share one, and a listing can be read back without opening files:
 *
 *     objects/8f4b…   →  objects/8f4b….blob
 *     Team A/x.tgz    →  %54eam%20%41/x%2etgz.blob
 *     <long segment>  →  <first 180 characters>.more/<the rest>.blob
 *
 * Anything but `a-z 0-9 _ -` is escaped byte by byte: capitals too, because some file
 * systems fold case, and dots, so that the endings are ours alone.
 */
const FILE_ENDING = '.blob';
const CONTINUED_ENDING = '.more';

/** File names end at 255 bytes on common file systems; this leaves room for the endings. */
const MAX_PIECE = 180;

export function keyToPath(key: ObjectKey): string {
  const segments = key
    .split('/')
    .map((segment) => splitPieces(escapeSegment(segment)).join(`${CONTINUED_ENDING}/`));
  return segments.join('/') + FILE_ENDING;
}

/** What a name in a directory of the store stands for. */
export type NameMeaning =
  | { readonly kind: 'file'; readonly text: string }
  | { readonly kind: 'segment'; readonly text: string }
  | { readonly kind: 'continued'; readonly text: string };

/** `undefined` for a name this store never writes; it is left alone. */
export function meaningOf(name: string, isDirectory: boolean): NameMeaning | undefined {
  const ending = isDirectory ? (name.endsWith(CONTINUED_ENDING) ? CONTINUED_ENDING : '') : FILE_ENDING;
  if (!name.endsWith(ending)) return undefined;
  const text = unescapeSegment(name.slice(0, name.length - ending.length));
  if (text === undefined) return undefined;
  if (!isDirectory) return { kind: 'file', text };
  return { kind: ending === CONTINUED_ENDING ? 'continued' : 'segment', text };
}

/** The key spelled by the texts of a path; `undefined` where it is not one. */
export function keyFromText(text: string): ObjectKey | undefined {
  const bytes = Buffer.from(text, 'latin1');
  if (!isUtf8(bytes)) return undefined;
  return asObjectKey(bytes.toString('utf8'));
}

/** Most are hex digits and need nothing. */
function escapeSegment(segment: string): string {
  return /^[a-z0-9_-]+$/.test(segment) ? segment : escapeBytes(Buffer.from(segment));
}

function escapeBytes(bytes: Uint8Array): string {
  let escaped = '';
  for (const byte of bytes) {
    const plain =
      (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x5f;
    escaped += plain ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`;
  }
  return escaped;
}

/** The bytes of a segment as latin1 text (a piece may end inside a UTF-8 sequence). */
function unescapeSegment(escaped: string): string | undefined {
  if (!/^(?:[a-z0-9_-]|%[0-9a-f]{2})+$/.test(escaped)) return undefined;
  const text = escaped.replaceAll(/%([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return escapeBytes(Buffer.from(text, 'latin1')) === escaped ? text : undefined; // `%61` is not how `a` is written
}

/** Cuts where no escape is torn. */
function splitPieces(escaped: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  while (escaped.length - start > MAX_PIECE) {
    let end = start + MAX_PIECE;
    const lastEscape = escaped.lastIndexOf('%', end - 1);
    if (lastEscape > end - 3) end = lastEscape;
    pieces.push(escaped.slice(start, end));
    start = end;
  }
  pieces.push(escaped.slice(start));
  return pieces;
}
