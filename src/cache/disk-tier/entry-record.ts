import { crc32 } from 'node:zlib';
import { BLOCK_BYTES, blockCount } from './block-checksums.ts';
import { OWN_LAYOUT, type RecordFormat } from './entry-layout.ts';

/**
 * What is known of an entry, as its `.json` file:
 *
 *     {"lastUsedAt":1767225600000   ,"uses":3         ,"crc":"1a2b3c4d","version":1,"key":…}
 *
 * and, where the format has more for others to read, that between: after `uses`, and after the version. JSON throughout, and of a fixed layout at its beginning. The statistics of use have room for every later number, so
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

/** As many digits as a safe integer has. */
const TIME_WIDTH = 16;
const USES_WIDTH = 10;
const MOST_USES = 10 ** USES_WIDTH - 1;
const CRC_BYTES = '"crc":"00000000",'.length;
/** `4294967295,` */
const MOST_BYTES_A_BLOCK = 11;
/** For the digits of `storedAt`, wherever it stands. */
const SPARE_BYTES = 64;
/** More is not allocated for what some file says of itself: the checksums of 300 GB. */
export const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/** The bytes at the beginning of a record, which alone change. */
export function encodeUse(
  lastUsedAt: number,
  uses: number,
  format: RecordFormat = OWN_LAYOUT.record,
): Buffer {
  const at = Math.max(0, Math.trunc(lastUsedAt));
  const times = Math.min(uses, MOST_USES);
  const ours = `{"lastUsedAt":${String(at).padEnd(TIME_WIDTH)},"uses":${String(times).padEnd(USES_WIDTH)},`;
  return Buffer.from(ours + format.encodeUse(at, times), 'latin1');
}

/** A record whose body is not known yet. */
export class RecordDraft {
  readonly #key: string;
  readonly #sizeBytes: number;
  /** Taken at once: the caller's value may change until the body is here. */
  readonly #meta: string;
  readonly #format: RecordFormat;

  constructor(key: string, sizeBytes: number, meta: unknown, format: RecordFormat = OWN_LAYOUT.record) {
    this.#key = key;
    this.#sizeBytes = sizeBytes;
    this.#meta = JSON.stringify(meta) ?? 'null';
    this.#format = format;
  }

  /** No record that comes of this is larger. */
  get mostBytes(): number {
    return this.#encode([], 0).length + blockCount(this.#sizeBytes) * MOST_BYTES_A_BLOCK + SPARE_BYTES;
  }

  encode(blocks: readonly number[], storedAt: number): Buffer {
    return this.#encode(blocks, Math.trunc(storedAt));
  }

  #encode(blocks: readonly number[], storedAt: number): Buffer {
    const { version } = this.#format;
    const named = `"version":${JSON.stringify(version)},${this.#factsForOthers(storedAt)}`;
    const facts = `${named}"key":${JSON.stringify(this.#key)},"size":${this.#sizeBytes}`;
    const checksums = `"blockBytes":${BLOCK_BYTES},"blocks":[${blocks.join()}]`;
    const checked = Buffer.from(`${facts},${checksums},"storedAt":${storedAt},"meta":${this.#meta}}`);
    const crc = crc32(checked).toString(16).padStart(8, '0');
    return Buffer.concat([
      encodeUse(storedAt, 0, this.#format),
      Buffer.from(`"crc":"${crc}",`, 'latin1'),
      checked,
    ]);
  }

  #factsForOthers(storedAt: number): string {
    const facts = { key: this.#key, sizeBytes: this.#sizeBytes, storedAt, meta: JSON.parse(this.#meta) };
    return Object.entries(this.#format.facts(facts))
      .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value) ?? 'null'},`)
      .join('');
  }
}

/** `undefined`: torn, altered, of another version, or its metadata is not the caller's. */
export function decodeRecord<M>(
  bytes: Buffer,
  parseMeta: (raw: unknown) => M | undefined,
  format: RecordFormat = OWN_LAYOUT.record,
): EntryRecord<M> | undefined {
  try {
    return recordOf(bytes, JSON.parse(bytes.toString('utf8')), parseMeta, format);
  } catch {
    return undefined;
  }
}

function recordOf<M>(
  bytes: Buffer,
  raw: unknown,
  parseMeta: (raw: unknown) => M | undefined,
  format: RecordFormat,
): EntryRecord<M> | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const fields = raw as Record<string, unknown>;
  const checkedFrom = encodeUse(0, 0, format).length + CRC_BYTES;
  const crc = crc32(bytes.subarray(checkedFrom)).toString(16).padStart(8, '0');
  if (fields['crc'] !== crc || fields['version'] !== format.version) return undefined;
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
