import { open } from 'node:fs/promises';
import type { JournalEntry } from './journal-entry.ts';
import { MAX_LINE_BYTES, parseLine } from './line.ts';

/** Read and handed out at once; a line may be no longer. */
const SLICE_BYTES = 256 * 1024;
const NEWLINE = 0x0a;

export interface ReadEntry {
  readonly entry: JournalEntry;
  /** Where its line begins in the file, in bytes. */
  readonly offset: number;
  /** As it is written, without its newline. */
  readonly line: string;
}

/** Some lines of a file that follow each other. */
export interface ReadSlice {
  readonly entries: readonly ReadEntry[];
  /** Lines in between that are torn or damaged. */
  readonly skippedLines: number;
  /** Where reading goes on, in bytes. */
  readonly nextOffset: number;
}

/**
 * The entries of a file in order, in memory for one slice and no more. Bad lines are skipped and counted, empty ones are
 * what a torn line was ended with. A last line without its newline is taken where it is whole.
 */
export async function* readEntries(path: string, from = 0): AsyncGenerator<ReadSlice> {
  const handle = await open(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(SLICE_BYTES + MAX_LINE_BYTES);
    let offset = from;
    /** Bytes at the buffer's beginning that were read already: a line whose end was not. */
    let held = 0;
    /** In a line that is too long; what is left of it is dropped. */
    let isInLongLine = false;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, held, buffer.length - held, offset + held);
      const filled = buffer.subarray(0, held + bytesRead);
      const isEnd = bytesRead === 0;
      const collected = new Slice(offset);
      let at = 0;
      for (let end = filled.indexOf(NEWLINE); end !== -1; end = filled.indexOf(NEWLINE, at)) {
        if (isInLongLine) isInLongLine = false;
        else collected.take(filled.subarray(at, end), at);
        at = end + 1;
      }
      held = filled.length - at;
      if (held > MAX_LINE_BYTES || isInLongLine) {
        if (!isInLongLine) collected.skip();
        isInLongLine = true;
        held = 0;
      } else if (isEnd && held > 0) {
        collected.take(filled.subarray(at), at);
        held = 0;
      }
      const taken = filled.length - held;
      offset += taken;
      if (taken > 0) yield collected.at(offset);
      if (isEnd) return;
      filled.copyWithin(0, taken);
    }
  } finally {
    await handle.close();
  }
}

/** A slice while it is read. */
class Slice {
  readonly #offset: number;
  readonly #entries: ReadEntry[] = [];
  #skippedLines = 0;

  constructor(offset: number) {
    this.#offset = offset;
  }

  /** @param at where in the slice it begins */
  take(line: Buffer, at: number): void {
    if (line.length === 0) return;
    const entry = parseLine(line);
    if (entry === undefined) this.skip();
    else this.#entries.push({ entry, offset: this.#offset + at, line: line.toString() });
  }

  skip(): void {
    this.#skippedLines++;
  }

  at(nextOffset: number): ReadSlice {
    return { entries: this.#entries, skippedLines: this.#skippedLines, nextOffset };
  }
}
