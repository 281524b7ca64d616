import { lookup } from 'mrmime';

/** What storages say where nobody told them. */
const SAYS_NOTHING: ReadonlySet<string> = new Set([
  'application/octet-stream',
  'binary/octet-stream',
  'application/x-www-form-urlencoded', // of curl -d
]);
/** RFC 9110 §5.5. Some storages take any text for a type, line ends included. */
const FIELD_VALUE = /^[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?$/;
export const UNKNOWN_TYPE = 'application/octet-stream';

/** As many bytes as the longest of the signatures below needs. */
export const SIGNATURE_BYTES = 16;

/** The type that was stored with an object, else what its name says; `undefined`: neither says anything. */
export function typeByName(stored: string | undefined, path: string): string | undefined {
  if (stored !== undefined && FIELD_VALUE.test(stored) && !SAYS_NOTHING.has(stored)) return stored;
  const type = lookup(path);
  // Whoever opens these in a browser reads them as the browser guesses, where nothing is said. RFC 6657 §4.
  return type !== undefined && /^text\/|[/+]json$|[/+]xml$/.test(type) ? `${type}; charset=utf-8` : type;
}

/** What the first bytes are the signature of. https://mimesniff.spec.whatwg.org/#matching-a-mime-type-pattern */
export function typeByBytes(head: Uint8Array): string | undefined {
  const text = Buffer.from(head).toString('latin1');
  return SIGNATURES.find(({ parts }) => parts.every(([at, bytes]) => text.startsWith(bytes, at)))?.type;
}

interface Signature {
  readonly type: string;
  /** Where, and what is there, as latin1. */
  readonly parts: readonly (readonly [at: number, bytes: string])[];
}

/** Binary formats alone: a text that begins like HTML may be anything, and would run as HTML. */
const SIGNATURES: readonly Signature[] = [
  { type: 'image/png', parts: [[0, '\x89PNG\r\n\x1a\n']] },
  { type: 'image/jpeg', parts: [[0, '\xff\xd8\xff']] },
  { type: 'image/gif', parts: [[0, 'GIF87a']] },
  { type: 'image/gif', parts: [[0, 'GIF89a']] },
  {
    type: 'image/webp',
    parts: [
      [0, 'RIFF'],
      [8, 'WEBP'],
    ],
  },
  {
    type: 'audio/wave',
    parts: [
      [0, 'RIFF'],
      [8, 'WAVE'],
    ],
  },
  { type: 'image/avif', parts: [[4, 'ftypavif']] },
  { type: 'video/mp4', parts: [[4, 'ftyp']] },
  { type: 'video/webm', parts: [[0, '\x1a\x45\xdf\xa3']] },
  { type: 'audio/mpeg', parts: [[0, 'ID3']] },
  { type: 'application/ogg', parts: [[0, 'OggS\0']] },
  { type: 'application/pdf', parts: [[0, '%PDF-']] },
  { type: 'application/zip', parts: [[0, 'PK\x03\x04']] },
  { type: 'application/gzip', parts: [[0, '\x1f\x8b\x08']] },
  { type: 'application/zstd', parts: [[0, '\x28\xb5\x2f\xfd']] },
  { type: 'application/x-bzip2', parts: [[0, 'BZh']] },
  { type: 'application/x-xz', parts: [[0, '\xfd7zXZ\0']] },
  { type: 'application/wasm', parts: [[0, '\0asm']] },
  { type: 'font/woff2', parts: [[0, 'wOF2']] },
  { type: 'font/woff', parts: [[0, 'wOFF']] },
];
