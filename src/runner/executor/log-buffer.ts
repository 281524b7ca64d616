/** Longer logs keep their beginning: what a hit replays is bounded, in memory and in the artifact. */
const MAX_LOG_BYTES = 8 * 1024 * 1024;
const TRUNCATED = '\n[velocity: the log was longer and ends here in the cache]\n';

/** What a task printed, as it came. */
export class LogBuffer {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #truncated = false;

  add(chunk: Buffer): void {
    if (this.#truncated) return;
    if (this.#bytes + chunk.length <= MAX_LOG_BYTES) {
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      return;
    }
    this.#chunks.push(chunk.subarray(0, MAX_LOG_BYTES - this.#bytes), Buffer.from(TRUNCATED));
    this.#truncated = true;
  }

  get isTruncated(): boolean {
    return this.#truncated;
  }

  readonly read = (): Buffer => Buffer.concat(this.#chunks);
}
