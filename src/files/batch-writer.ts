import { releaseBytes } from '../base/release-bytes.ts';
import type { Descriptor } from '../storage/drivers/local/descriptor.ts';
import type { QuickCalls } from '../storage/drivers/local/quick-calls.ts';

/** Chunks are gathered to this size before they are written: fewer, larger system calls. */
const BATCH_BYTES = 1 * 1024 * 1024;
/** A body may come in chunks of a byte each, and what holds one is a hundred times that. */
const BATCH_CHUNKS = 1024;

export interface BatchWriterOptions {
  readonly descriptor: Descriptor;
  readonly calls: Pick<QuickCalls, 'write'>;
  /** Nobody else holds the chunks: they are empty once they are written. */
  readonly ownsChunks: boolean;
  /** Told how far the file goes whenever a batch is in it. */
  readonly onWritten: (sizeBytes: number) => void;
}

/**
 * Appends the chunks of a body to a file in batches: while one is being written the next is gathered, and no more than these
 * two are in memory.
 */
export class BatchWriter {
  readonly #options: BatchWriterOptions;
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #sizeBytes = 0;
  /** The batch that is being written, after all those before it. */
  #writing: Promise<void> | undefined;

  constructor(options: BatchWriterOptions) {
    this.#options = options;
  }

  /** Of all that was added. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** All of the body in one piece, as long as nothing of it was written. */
  get whole(): Uint8Array | undefined {
    if (this.#heldBytes !== this.#sizeBytes) return undefined;
    const [first, ...more] = this.#held;
    return first && more.length === 0 ? first : Buffer.concat(this.#held);
  }

  /** @returns what has to be done before the next chunk is added; rejects where it could not be written */
  add(chunk: Uint8Array): Promise<void> | undefined {
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    this.#sizeBytes += chunk.length;
    if (this.#heldBytes < BATCH_BYTES && this.#held.length < BATCH_CHUNKS) return undefined;
    const before = this.#writing;
    this.#writeHeld();
    return before;
  }

  /** Resolves when all of it is in the file. */
  async end(): Promise<void> {
    if (this.#held.length > 0 || !this.#writing) this.#writeHeld();
    await this.#writing;
  }

  /** Resolves, whatever became of it, when nothing is being written any more: only then may the file be closed. */
  async settled(): Promise<void> {
    await this.#writing?.catch(() => {});
  }

  #writeHeld(): void {
    const { calls, descriptor, ownsChunks, onWritten } = this.#options;
    const [before, batch, upTo] = [this.#writing, this.#held, this.#sizeBytes];
    [this.#held, this.#heldBytes] = [[], 0];
    const write = async (): Promise<void> => {
      await before;
      await calls.write(descriptor, batch);
      onWritten(upTo);
      if (ownsChunks) batch.forEach(releaseBytes);
    };
    this.#writing = write();
    this.#writing.catch(() => {}); // who adds the next chunk, or ends, is told
  }
}
