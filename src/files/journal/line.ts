import { crc32 } from 'node:zlib';
import { isSha256Hex } from '../../base/digest.ts';
import { type FilePath, parseFilePath } from '../file-path.ts';
import { type Content, JOURNAL_OPS, type JournalEntry } from './journal-entry.ts';

/** Longer than any entry with paths of their utmost length; what is longer is not read into memory. */
export const MAX_LINE_BYTES = 64 * 1024;
/** Of `by`, `temp` and `reason`, in UTF-16 code units: so that no entry outgrows a line. */
const MAX_TEXT = 2048;
/** The last millisecond whose day has a name of ten letters. */
export const MAX_TS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
/** Eight hex digits and a space. */
const CHECKSUM_BYTES = 9;
const SPACE = 0x20;
const OPS: ReadonlySet<unknown> = new Set(JOURNAL_OPS);

/**
 * Something of the journal as one line of text, `<CRC-32 of the JSON, 8 hex digits> <JSON>` and a newline. JSON has no
 * newline in it, so a line that is torn or damaged spoils no other.
 * @param value what `JSON.stringify` takes
 */
export function encodeLine(value: object): string {
  const json = JSON.stringify(value);
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
}

/** The JSON of a line, given without its newline. `undefined`: it is torn or damaged. */
export function decodeLine(line: Buffer): string | undefined {
  if (line.length <= CHECKSUM_BYTES || line[CHECKSUM_BYTES - 1] !== SPACE) return undefined;
  const crc = crc32(line.subarray(CHECKSUM_BYTES)).toString(16).padStart(8, '0');
  const isWhole = line.toString('latin1', 0, CHECKSUM_BYTES - 1) === crc;
  return isWhole ? line.toString('utf8', CHECKSUM_BYTES) : undefined;
}

/** Of a line without its newline. `undefined`: it is torn or damaged, no entry, or has a field that cannot be. */
export function parseLine(line: Buffer): JournalEntry | undefined {
  const json = decodeLine(line);
  try {
    return json === undefined ? undefined : checkedEntry(JSON.parse(json));
  } catch {
    return undefined;
  }
}

/**
 * An entry with the fields it has and no others. What is read is held to it, so what is written is as well.
 * `undefined`: a field is missing, or cannot be.
 */
export function checkedEntry(raw: unknown): JournalEntry | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { id, seq, ts, op, path, before, after, other, by, reason, temp } = raw as Record<string, unknown>;
  if (!isWhole(id, 1) || !isWhole(seq, 1) || !isWhole(ts, 0) || ts > MAX_TS) return undefined;
  if (!OPS.has(op) || !isFilePath(path)) return undefined;
  const entry: Record<string, unknown> = { id, seq, ts, op, path };
  for (const [name, value] of [
    ['before', before],
    ['after', after],
  ] as const) {
    if (value === undefined) continue;
    if (!isContent(value)) return undefined;
    entry[name] = { sha256: value.sha256, sizeBytes: value.sizeBytes };
  }
  if (other !== undefined) {
    if (!isFilePath(other)) return undefined;
    entry['other'] = other;
  }
  for (const [name, value] of [
    ['by', by],
    ['reason', reason],
    ['temp', temp],
  ] as const) {
    if (value === undefined) continue;
    if (typeof value !== 'string' || value.length > MAX_TEXT) return undefined;
    entry[name] = value;
  }
  return entry as unknown as JournalEntry;
}

/** Whether the newest entry of a path says that a file or folder is there. */
export function isThere({ op, after }: JournalEntry): boolean {
  return after !== undefined || op === 'mkdir' || op === 'dir_moved_to';
}

function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function isContent(value: unknown): value is Content {
  if (typeof value !== 'object' || value === null) return false;
  const { sha256, sizeBytes } = value as Record<string, unknown>;
  return typeof sha256 === 'string' && isSha256Hex(sha256) && isWhole(sizeBytes, 0);
}

function isFilePath(value: unknown): value is FilePath {
  if (typeof value !== 'string') return false;
  try {
    return parseFilePath(value) === value;
  } catch {
    return false;
  }
}
