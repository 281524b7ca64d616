/**
 * The 512-byte header block of POSIX.1-1988 ustar, and the pax records of POSIX.1-2001 for
 * what does not fit: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
 *
 *     0 name 100   100 mode 8   108 uid 8   116 gid 8   124 size 12   136 mtime 12   148 checksum 8
 *     156 type 1   157 linkname 100   257 magic "ustar\0" "00"   265 uname 32   297 gname 32
 *     329 devmajor 8   337 devminor 8   345 prefix 155
 *
 * Owner and time are always zero: the same outputs give the same bytes.
 */
import { VelocityError } from '../../../base/errors.ts';
import { BLOCK_BYTES, paddingAfter, type TarEntry } from './tar-entry.ts';

const TYPE_OF = { file: '0', link: '2', directory: '5' } as const;
const PAX_TYPE = 'x';
/** Twelve bytes of octal digits, the last one a NUL. */
const MAX_OCTAL_SIZE = 8 ** 11 - 1;

/** The blocks that stand before an entry's body. */
export function encodeHeader(entry: TarEntry): Buffer {
  const path = entry.kind === 'directory' ? `${entry.path}/` : entry.path;
  const records: [string, string][] = [];
  if (!fits(path)) records.push(['path', path]);
  if (!fits(entry.target)) records.push(['linkpath', entry.target]);
  if (entry.sizeBytes > MAX_OCTAL_SIZE) records.push(['size', String(entry.sizeBytes)]);
  const block = headerBlock({
    name: fits(path) ? path : 'see-pax-record',
    target: fits(entry.target) ? entry.target : 'see-pax-record',
    type: TYPE_OF[entry.kind],
    mode: entry.mode,
    sizeBytes: entry.sizeBytes > MAX_OCTAL_SIZE ? 0 : entry.sizeBytes,
  });
  if (records.length === 0) return block;

  const body = Buffer.concat(records.map(([name, value]) => paxRecord(name, value)));
  const head = headerBlock({
    name: 'pax-record',
    target: '',
    type: PAX_TYPE,
    mode: 0o644,
    sizeBytes: body.length,
  });
  return Buffer.concat([head, body, Buffer.alloc(paddingAfter(body.length)), block]);
}

/** Two blocks of zeros end an archive. */
export const END_OF_ARCHIVE: Buffer = Buffer.alloc(2 * BLOCK_BYTES);

interface RawHeader {
  readonly name: string;
  readonly target: string;
  readonly type: string;
  readonly mode: number;
  readonly sizeBytes: number;
}

/** @throws VelocityError `ARTIFACT_DAMAGED` for a block that is no header. */
export function decodeHeader(block: Buffer): RawHeader {
  const written = readOctal(block, 148, 8);
  if (checksum(block) !== written) throw damaged('a header’s checksum is wrong');
  const ustar = block.toString('latin1', 257, 262) === 'ustar';
  // GNU's header keeps times where ustar has its prefix; its magic ends in blanks.
  const prefix = ustar && block[263] === 0x30 ? readText(block, 345, 155) : '';
  const name = readText(block, 0, 100);
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    target: readText(block, 157, 100),
    type: String.fromCharCode(block[156] || 0x30),
    mode: readOctal(block, 100, 8),
    sizeBytes: readSize(block),
  };
}

/** `<length> <name>=<value>\n…`, where the length counts itself. */
export function decodePaxRecords(body: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let start = 0; start < body.length; ) {
    const space = body.indexOf(0x20, start);
    const digits = space < 0 ? '' : body.toString('latin1', start, space);
    const end = start + Number(digits);
    if (!/^\d{1,9}$/.test(digits) || end <= space || end > body.length || body[end - 1] !== 0x0a) {
      throw damaged('a pax record is malformed');
    }
    const record = body.toString('utf8', space + 1, end - 1);
    const equals = record.indexOf('=');
    if (equals < 1) throw damaged('a pax record is malformed');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    start = end;
  }
  return records;
}

export function damaged(what: string): VelocityError {
  return new VelocityError('ARTIFACT_DAMAGED', `The artifact is damaged: ${what}.`);
}

/** ASCII only: what lies beyond is written as a pax record, which is UTF-8 by definition. */
function fits(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL ends a field
  return text.length <= 100 && /^[\x01-\x7f]*$/.test(text);
}

function headerBlock({ name, target, type, mode, sizeBytes }: RawHeader): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(name, 0, 100, 'latin1');
  writeOctal(block, mode, 100, 8);
  writeOctal(block, 0, 108, 8);
  writeOctal(block, 0, 116, 8);
  writeOctal(block, sizeBytes, 124, 12);
  writeOctal(block, 0, 136, 12);
  block.write(type, 156, 1, 'latin1');
  block.write(target, 157, 100, 'latin1');
  block.write('ustar\u000000', 257, 8, 'latin1');
  writeOctal(block, 0, 329, 8);
  writeOctal(block, 0, 337, 8);
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1');
  return block;
}

/** The sum of all bytes, the checksum's own eight taken as blanks. */
function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let index = 0; index < BLOCK_BYTES; index++) {
    if (index < 148 || index >= 156) sum += block[index] ?? 0;
  }
  return sum;
}

function writeOctal(block: Buffer, value: number, offset: number, length: number): void {
  block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset, length, 'latin1');
}

function readOctal(block: Buffer, offset: number, length: number): number {
  const digits = readText(block, offset, length).trim();
  if (!/^[0-7]*$/.test(digits)) throw damaged('a header’s number is not octal');
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

/** Octal, or GNU's base 256: the first bit set, then a big-endian number. */
function readSize(block: Buffer): number {
  if (((block[124] ?? 0) & 0x80) === 0) return readOctal(block, 124, 12);
  const size = Number(block.readBigUInt64BE(128));
  if (block.readUInt32BE(124) !== 0x80000000 || !Number.isSafeInteger(size)) {
    throw damaged('a size is beyond all bounds');
  }
  return size;
}

function readText(block: Buffer, offset: number, length: number): string {
  const end = block.indexOf(0, offset);
  return block.toString('utf8', offset, end < 0 || end > offset + length ? offset + length : end);
}

function paxRecord(name: string, value: string): Buffer {
  const rest = Buffer.byteLength(` ${name}=${value}\n`);
  let length = rest + String(rest).length;
  // The length's own digits may add one.
  length = rest + String(length).length;
  return Buffer.from(`${length} ${name}=${value}\n`);
}
