import { crc32 } from 'node:zlib';
import { type Digest, parseDigest } from '../../../base/digest.ts';
import { VelocityError } from '../../../base/errors.ts';
import { type StoredFields, storedFields } from '../../stored-fields.ts';
import type { Descriptor } from './descriptor.ts';
import type { QuickCalls } from './quick-calls.ts';

/**
 * One object, one file. The facts follow the body, so that the digest can be written
 * after the last byte was seen, the body starts at offset 0, and one `link(2)` publishes all:
 *
 *     body            sizeBytes
 *     facts           JSON, UTF-8
 *     facts length    4 bytes, big-endian
 *     facts CRC-32    4 bytes, big-endian
 *     magic           8 bytes "VCBLOB1\n"
 *
 * A file torn by a power cut lacks the magic or disagrees with its length: it is damaged,
 * which is a miss. The key is among the facts, so a file under a wrong name is found out.
 */
const MAGIC = Buffer.from('VCBLOB1\n', 'latin1');
const FOOTER_BYTES = 16;

/** Facts of usual size arrive with the footer in one read. */
const TAIL_READ_BYTES = 1024;
/** Metadata is small text; a length beyond this is damage, not a reason to allocate. */
const MAX_FACTS_BYTES = 64 * 1024;

export interface BlobFacts {
  readonly key: string;
  readonly sizeBytes: number;
  readonly digest: Digest;
  readonly contentType: string | undefined;
  readonly fields?: StoredFields | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch; the file's own time tells when it was last used. `undefined` in files of 0.1. */
  readonly storedAt: number | undefined;
}

/**
 * Everything that follows the body.
 * @throws VelocityError `BAD_REQUEST` for metadata beyond all bounds: what could not be read back is not written.
 */
export function encodeTrailer(facts: BlobFacts): Buffer {
  const json = Buffer.from(
    JSON.stringify({
      key: facts.key,
      size: facts.sizeBytes,
      sha256: facts.digest,
      contentType: facts.contentType,
      fields: facts.fields && isEmpty(facts.fields) ? undefined : facts.fields,
      metadata: facts.metadata,
      storedAt: facts.storedAt,
    }),
  );
  if (json.length > MAX_FACTS_BYTES) {
    throw new VelocityError(
      'BAD_REQUEST',
      `The metadata has ${json.length} bytes; the limit is ${MAX_FACTS_BYTES}.`,
      {
        field: 'metadata',
      },
    );
  }
  const footer = Buffer.alloc(FOOTER_BYTES);
  footer.writeUInt32BE(json.length, 0);
  footer.writeUInt32BE(crc32(json), 4);
  MAGIC.copy(footer, 8);
  return Buffer.concat([json, footer]);
}

/** The facts of an open file of `fileBytes` length; `undefined` where the file is damaged. */
export async function readFacts(
  calls: QuickCalls,
  file: Descriptor,
  fileBytes: number,
): Promise<BlobFacts | undefined> {
  let tail = await calls.read(
    file,
    Math.max(0, fileBytes - TAIL_READ_BYTES),
    Math.min(fileBytes, TAIL_READ_BYTES),
  );
  const needed = trailerBytes(tail);
  if (needed === undefined || needed > fileBytes) return undefined;
  if (needed > tail.length) tail = await calls.read(file, fileBytes - needed, needed);
  return factsIn(tail, needed, fileBytes);
}

/** A whole file in one read: its facts, and its body as a part of the same memory; `undefined` where it is damaged. */
export async function readWhole(
  calls: QuickCalls,
  file: Descriptor,
  fileBytes: number,
): Promise<{ facts: BlobFacts; bytes: Buffer } | undefined> {
  const all = await calls.read(file, 0, fileBytes);
  const needed = all.length === fileBytes ? trailerBytes(all) : undefined;
  const facts = needed === undefined || needed > fileBytes ? undefined : factsIn(all, needed, fileBytes);
  return facts && { facts, bytes: all.subarray(0, facts.sizeBytes) };
}

/** How long all that follows the body is, by the footer at the end of `tail`. */
function trailerBytes(tail: Buffer): number | undefined {
  const footer = tail.subarray(-FOOTER_BYTES);
  if (footer.length < FOOTER_BYTES || !footer.subarray(8).equals(MAGIC)) return undefined;
  const factsBytes = footer.readUInt32BE(0);
  return factsBytes > MAX_FACTS_BYTES ? undefined : factsBytes + FOOTER_BYTES;
}

function factsIn(tail: Buffer, needed: number, fileBytes: number): BlobFacts | undefined {
  const json = tail.subarray(tail.length - needed, tail.length - FOOTER_BYTES);
  if (crc32(json) !== tail.readUInt32BE(tail.length - FOOTER_BYTES + 4)) return undefined;
  const facts = parseFacts(json.toString('utf8'));
  return facts?.sizeBytes === fileBytes - needed ? facts : undefined;
}

/** The checksum held, so the JSON is ours; this guards against another version of us. */
function parseFacts(json: string): BlobFacts | undefined {
  const { key, size, sha256, contentType, fields, metadata, storedAt } = JSON.parse(json) as Record<
    string,
    unknown
  >;
  const digest = typeof sha256 === 'string' ? parseDigest(sha256) : undefined;
  if (typeof key !== 'string' || typeof size !== 'number' || digest === undefined) return undefined;
  return {
    key,
    sizeBytes: size,
    digest,
    contentType: typeof contentType === 'string' ? contentType : undefined,
    fields: storedFields((fields ?? {}) as Record<string, unknown>),
    metadata: (metadata ?? {}) as Record<string, string>,
    storedAt: typeof storedAt === 'number' ? storedAt : undefined,
  };
}

function isEmpty(fields: StoredFields): boolean {
  return Object.keys(fields).length === 0;
}
