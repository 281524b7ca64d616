import { Readable } from 'node:stream';
import { VelocityError } from '../../base/errors.ts';
import { type LineRange, MAX_LINES } from './line-range.ts';
import { TailBytes } from './tail-bytes.ts';

/** Bytes of lines that are held for one answer: its head goes first, and says which lines follow. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;

/** Some lines of a file, as the bytes that they are there. */
export interface Lines {
  /** With their line ends. */
  readonly chunks: readonly Buffer[];
  readonly sizeBytes: number;
  /** Counted from 1; `undefined`: there are none, for the file is empty. */
  readonly span: { readonly first: number; readonly last: number } | undefined;
  /** Of the file; `undefined`: it was not read to its end. */
  readonly total: number | undefined;
}

/**
 * Cuts lines out of a file, which is read as far as they reach and then destroyed. A line ends with its `\n`; the last one may lack it.
 * @throws VelocityError `RANGE_UNSATISFIABLE` where the file ends before the first of them, `BODY_TOO_LARGE`; and whatever the file fails with
 */
export async function cutLines(
  file: Readable,
  range: LineRange,
  maxBytes: number = MAX_HELD_BYTES,
): Promise<Lines> {
  return 'lastLines' in range
    ? await cutLast(file, range.lastLines, maxBytes)
    : await cutSpan(file, range.first, range.last ?? Number.POSITIVE_INFINITY, maxBytes);
}

export function linesBody({ chunks }: Lines): Readable {
  return Readable.from(chunks, { objectMode: false });
}

/** Which lines these are, for the head of an answer, flat. */
export function linesFields({ sizeBytes, span, total }: Lines): readonly string[] {
  return [
    ...['content-length', String(sizeBytes)],
    ...(span ? ['x-line-range', `${span.first}-${span.last}`] : []),
    ...(total === undefined ? [] : ['x-total-lines', String(total)]),
  ];
}

async function cutSpan(file: Readable, first: number, last: number, maxBytes: number): Promise<Lines> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  let ended = 0; // lines that have ended
  let isOpen = false; // whether bytes of another one have come
  let isCut = false; // whether there are bytes behind the last line
  for await (const chunk of file as AsyncIterable<Buffer>) {
    if (chunk.length === 0) continue;
    if (ended === last) {
      isCut = true;
      break;
    }
    let begin = ended >= first - 1 ? 0 : chunk.length;
    let at = 0;
    while (ended < last) {
      const end = chunk.indexOf(LINE_FEED, at);
      if (end < 0) break;
      at = end + 1;
      ended++;
      if (ended === first - 1) begin = at;
    }
    isOpen = at < chunk.length && ended < last;
    isCut = at < chunk.length && ended === last;
    const piece = chunk.subarray(begin, isCut ? at : chunk.length);
    if (piece.length > 0) chunks.push(piece);
    sizeBytes += piece.length;
    if (sizeBytes > maxBytes) throw tooLarge(maxBytes);
    if (ended - first + (isOpen ? 2 : 1) > MAX_LINES) throw tooMany();
    if (isCut) break;
  }
  const total = ended + (isOpen ? 1 : 0);
  if (total < first && first > 1)
    throw new VelocityError('RANGE_UNSATISFIABLE', `The file has ${total} lines.`, { field: 'lines' });
  const span = total === 0 ? undefined : { first, last: total };
  return { chunks, sizeBytes, span, total: isCut ? undefined : total };
}

async function cutLast(file: Readable, count: number, maxBytes: number): Promise<Lines> {
  const tail = new TailBytes(count, maxBytes);
  for await (const chunk of file as AsyncIterable<Buffer>) tail.push(chunk);
  const chunks = tail.lines();
  if (!chunks) throw tooLarge(maxBytes);
  const { total } = tail;
  return {
    chunks,
    sizeBytes: chunks.reduce((sum, { length }) => sum + length, 0),
    span: total === 0 ? undefined : { first: Math.max(1, total - count + 1), last: total },
    total,
  };
}

const LINE_FEED = 0x0a;

function tooLarge(maxBytes: number): VelocityError {
  return new VelocityError(
    'BODY_TOO_LARGE',
    `These lines have more than ${maxBytes} bytes. Ask for fewer, or for bytes with the field Range.`,
    { field: 'lines' },
  );
}

function tooMany(): VelocityError {
  return new VelocityError(
    'BODY_TOO_LARGE',
    `These are more than ${MAX_LINES} lines. Ask for fewer, or for bytes with the field Range.`,
    { field: 'lines' },
  );
}
