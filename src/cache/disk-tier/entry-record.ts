import { crc32 } from 'node:zlib';
import { BLOCK_BYTES, blockCount } from './block-checksums.ts';

/**
 * What is known of an entry, as its `.json` file:
 *
 *     {"lastUsedAt":1767225600000   ,"uses":3         ,"crc":"1a2b3c4d","version":1,"key":…}
 *
 * JSON throughout, and of a fixed layout at its beginning. The statistics of use have room for every later number, so
 * they are written in place: nothing moves, nothing grows, and where one is torn, an entry goes sooner or later than it should.
 * The CRC-32 is of all that follows it, for the metadata is handed out as well as the body.
 */
export interface EntryRecord<M> {
  readonly key: string;
  readonly sizeBytes: number;
  /** CRC-32 of each block of the body. */
  readonly blocks: readonly number[];
  /** Milliseconds since the epoch, as is `lastUsedAt`. */
  readonly storedAt: number;
  readonly lastUsedAt: number;
  readonly uses: number;
  readonly meta: M;
}

const VERSION = 1;
/** As many digits as a safe integer has. */
const TIME_WIDTH = 16;
const USES_WIDTH = 10;
const MOST_USES = 10 ** USES_WIDTH - 1;
const STATISTICS_BYTES = encodeUse(0, 0).length;
const CHECKED_FROM = STATISTICS_BYTES + '"crc":"00000000",'.length;
/** `4294967295,` */
const MOST_BYTES_A_BLOCK = 11;
/** For the digits of `storedAt`. */
const SPARE_BYTES = 16;
/** More is not allocated for what some file says of itself: the checksums of 300 GB. */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/** The bytes at the beginning of a record, which alone change. */
export function encodeUse(lastUsedAt: number, uses: number): Buffer {
  const time = String(Math.max(0, Math.trunc(lastUsedAt))).padEnd(TIME_WIDTH);
  const times = String(Math.min(uses, MOST_USES)).padEnd(USES_WIDTH);
  return Buffer.from(`{"lastUsedAt":${time},"uses":${times},`, 'latin1');
}

/** A record whose body is not known yet. */
export class RecordDraft {
  readonly #key: string;
  readonly #sizeBytes: number;
  /** Taken at once: the caller's value may change until the body is here. */
  readonly #meta: string;

  constructor(key: string, sizeBytes: number, meta: unknown) {
    this.#key = key;
    this.#sizeBytes = sizeBytes;
    this.#meta = JSON.stringify(meta) ?? 'null';
  }

  /** No record that comes of this is larger. */
  get mostBytes(): number {
    return this.#encode([], 0).length + blockCount(this.#sizeBytes) * MOST_BYTES_A_BLOCK + SPARE_BYTES;
  }

  encode(blocks: readonly number[], storedAt: number): Buffer {
    return this.#encode(blocks, Math.trunc(storedAt));
  }

  #encode(blocks: readonly number[], storedAt: number): Buffer {
    const facts = `"version":${VERSION},"key":${JSON.stringify(this.#key)},"size":${this.#sizeBytes}`;
    const checksums = `"blockBytes":${BLOCK_BYTES},"blocks":[${blocks.join()}]`;
    const checked = Buffer.from(`${facts},${checksums},"storedAt":${storedAt},"meta":${this.#meta}}`);
    const crc = crc32(checked).toString(16).padStart(8, '0');
    return Buffer.concat([encodeUse(storedAt, 0), Buffer.from(`"crc":"${crc}",`, 'latin1'), checked]);
  }
}

/** `undefined`: torn, altered, of another version, or its metadata is not the caller's. */
export function decodeRecord<M>(
  bytes: Buffer,
  parseMeta: (raw: unknown) => M | undefined,
): EntryRecord<M> | undefined {
  try {
    return recordOf(bytes, JSON.parse(bytes.toString('utf8')), parseMeta);
  } catch {
    return undefined;
  }
}

function recordOf<M>(
  bytes: Buffer,
  raw: unknown,
  parseMeta: (raw: unknown) => M | undefined,
): EntryRecord<M> | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const fields = raw as Record<string, unknown>;
  const crc = crc32(bytes.subarray(CHECKED_FROM)).toString(16).padStart(8, '0');
  if (fields['crc'] !== crc || fields['version'] !== VERSION) return undefined;
  const { key, size: sizeBytes, blockBytes, blocks, storedAt, lastUsedAt, uses } = fields;
  if (typeof key !== 'string' || blockBytes !== BLOCK_BYTES) return undefined;
  if (!isCount(sizeBytes) || !isCount(storedAt) || !isCount(lastUsedAt) || !isCount(uses)) return undefined;
  if (!Array.isArray(blocks) || blocks.length !== blockCount(sizeBytes) || !blocks.every(isCount)) {
    return undefined;
  }
  const meta = parseMeta(fields['meta']);
  return meta === undefined ? undefined : { key, sizeBytes, blocks, storedAt, lastUsedAt, uses, meta };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
