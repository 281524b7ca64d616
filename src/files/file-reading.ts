import { Readable, type Writable } from 'node:stream';
import type { ByteSpan } from '../base/byte-range.ts';
import type { Digest } from '../base/digest.ts';
import { pumpBlocks, type SendingOptions } from '../base/pump-blocks.ts';
import type { Descriptor } from '../storage/drivers/local/descriptor.ts';
import { QUICK_BYTES, type QuickCalls } from '../storage/drivers/local/quick-calls.ts';

const READ_CHUNK_BYTES = 256 * 1024;

/** What is said of the bytes that are read. */
export interface ReadFacts {
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
  /** `undefined`: nobody has measured them. */
  readonly sha256: Digest | undefined;
  /** `undefined`: somebody else than the server wrote them. */
  readonly revision: number | undefined;
}

/** Whose file it is that is read. */
export interface ReadingOwner {
  /** Called once, when nobody reads it any more. */
  readonly close: () => void;
  /** Of bytes that must be those of a digest: asked before the last of them leave. */
  readonly isUnchanged?: () => Promise<boolean>;
}

/** An open file: its bytes stay what they are, whatever becomes of its path. It is read or closed, once. */
export class FileReading implements Disposable {
  readonly facts: ReadFacts;
  readonly #descriptor: Descriptor;
  readonly #calls: QuickCalls;
  readonly #owner: ReadingOwner;
  #isTaken = false;

  constructor(facts: ReadFacts, descriptor: Descriptor, calls: QuickCalls, owner: ReadingOwner) {
    this.facts = facts;
    this.#descriptor = descriptor;
    this.#calls = calls;
    this.#owner = owner;
  }

  /** The same bytes, of which something else is said. */
  as(facts: Partial<ReadFacts>): FileReading {
    this.#isTaken = true;
    return new FileReading({ ...this.facts, ...facts }, this.#descriptor, this.#calls, this.#owner);
  }

  /** All of a small file at once; `undefined`: it is too large for that, and is still to be read. */
  async bytes(): Promise<Buffer | undefined> {
    const { sizeBytes } = this.facts;
    if (sizeBytes > QUICK_BYTES) return undefined;
    this.#take();
    try {
      return await this.#readInto(Buffer.allocUnsafe(sizeBytes), 0, sizeBytes - 1);
    } finally {
      this.#owner.close();
    }
  }

  /** Closes once it was read to its end, or is destroyed; whoever may leave before the end destroys it. */
  stream(span: ByteSpan | 'whole' = 'whole'): Readable {
    this.#take();
    const { first, last } = this.#within(span);
    let position = first;
    let isReading = false;
    const read = async (stream: Readable): Promise<void> => {
      const page = Buffer.allocUnsafe(Math.min(READ_CHUNK_BYTES, last + 1 - position));
      isReading = true;
      const bytes = await this.#readInto(page, position, last).finally(() => {
        isReading = false;
        if (stream.destroyed) this.#owner.close();
      });
      position += bytes.length;
      stream.push(bytes);
    };
    return new Readable({
      highWaterMark: READ_CHUNK_BYTES,
      read() {
        if (position > last) this.push(null);
        else read(this).catch((error: Error) => this.destroy(error));
      },
      // What is being read into stays open until it was: its number may be another file's then.
      destroy: (error, done) => {
        if (!isReading) this.#owner.close();
        done(error);
      },
    });
  }

  /** Sends what `stream` reads and leaves the sink open; at half the cost. A sink that is closed ends it well. */
  async sendTo(sink: Writable, span: ByteSpan | 'whole', options: SendingOptions): Promise<void> {
    this.#take();
    try {
      await pumpBlocks((page, at, last) => this.#readInto(page, at, last), sink, this.#within(span), options);
    } finally {
      this.#owner.close();
    }
  }

  /** For one that is not read; of one that is it does nothing. */
  close(): void {
    if (this.#isTaken) return;
    this.#isTaken = true;
    this.#owner.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #readInto(page: Buffer, position: number, last: number): Promise<Buffer> {
    const wanted = Math.min(page.length, last + 1 - position);
    const bytes = await this.#calls.readInto(this.#descriptor, page.subarray(0, wanted), position);
    if (bytes < wanted) throw cutOff();
    const { isUnchanged } = this.#owner;
    if (isUnchanged && position + bytes > last && !(await isUnchanged()))
      throw new Error('the kept body was changed while it was read');
    return page.subarray(0, bytes);
  }

  #within(span: ByteSpan | 'whole'): ByteSpan {
    return span === 'whole' ? { first: 0, last: this.facts.sizeBytes - 1 } : span;
  }

  #take(): void {
    if (this.#isTaken) throw new Error('unreachable: a reading is used once');
    this.#isTaken = true;
  }
}

/** Somebody has cut the file off in place: what was announced cannot come. */
function cutOff(): Error {
  return new Error('the file ends before its length');
}
