import { BLOCK_BYTES, BlockChecksums } from './block-checksums.ts';

/** How far a body that is being written has come, for those who read it meanwhile. */
export class BodyProgress {
  readonly sizeBytes: number;
  readonly #checksums = new BlockChecksums();
  #state: 'arriving' | 'whole' | { readonly failure: Error } = 'arriving';
  #next = Promise.withResolvers<void>();
  #waiting = 0;

  constructor(sizeBytes: number) {
    this.sizeBytes = sizeBytes;
  }

  get isArriving(): boolean {
    return this.#state === 'arriving';
  }

  /** Whether somebody waits for bytes that have not been written. */
  get isWaitedFor(): boolean {
    return this.#waiting > 0;
  }

  get writtenBytes(): number {
    return this.#checksums.bytes;
  }

  /**
   * What may be read. The last block waits for the writer's word that the body is what it should be: whoever sees the
   * stream's clean end has a body that was not given up.
   */
  get readableBytes(): number {
    if (this.#state === 'whole' || this.writtenBytes < this.sizeBytes) return this.writtenBytes;
    return Math.max(0, Math.floor((this.sizeBytes - 1) / BLOCK_BYTES) * BLOCK_BYTES);
  }

  /** `undefined`: the block is not whole yet. */
  checksumOf(block: number): number | undefined {
    return this.#checksums.of(block);
  }

  written(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.#checksums.update(chunk);
    this.#wake();
  }

  /** @returns the checksums of all blocks */
  complete(): readonly number[] {
    const checksums = this.#checksums.finish();
    this.#state = 'whole';
    this.#wake();
    return checksums;
  }

  fail(failure: Error): void {
    this.#state = { failure };
    this.#wake();
  }

  /**
   * Until the byte at `position` may be read.
   * @param onWait called each time it is not there yet
   * @throws what the writing failed with
   */
  async until(position: number, onWait: () => void): Promise<void> {
    for (;;) {
      if (typeof this.#state === 'object') throw this.#state.failure;
      if (position < this.readableBytes) return;
      const { promise } = this.#next;
      this.#waiting++;
      onWait();
      await promise;
      this.#waiting--;
    }
  }

  #wake(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}
