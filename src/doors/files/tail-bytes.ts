const LINE_FEED = 0x0a;

/** The end of a file that passes: as much of it as its last lines may need, and never more than a number of bytes. */
export class TailBytes {
  readonly #count: number;
  readonly #maxBytes: number;
  readonly #held: { chunk: Buffer; lineFeeds: number }[] = [];
  #heldBytes = 0;
  #heldLineFeeds = 0;
  #lineFeeds = 0;
  /** Of all that has come; what is before the first byte ends a line, too. */
  #lastByte = LINE_FEED;
  /** What stands before the first byte that is held. */
  #byteBefore = LINE_FEED;

  /** @param count the lines that will be asked for */
  constructor(count: number, maxBytes: number) {
    this.#count = count;
    this.#maxBytes = maxBytes;
  }

  /** Lines that have come, the last of them perhaps without its end. */
  get total(): number {
    return this.#lineFeeds + (this.#lastByte === LINE_FEED ? 0 : 1);
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    const lineFeeds = lineFeedsIn(chunk);
    this.#lineFeeds += lineFeeds;
    this.#lastByte = chunk[chunk.length - 1] as number;
    this.#held.push({ chunk, lineFeeds });
    this.#heldBytes += chunk.length;
    this.#heldLineFeeds += lineFeeds;
    this.#dropWhatNoLineNeeds();
    this.#dropWhatFindsNoRoom();
  }

  /** The last lines, all there are where there are fewer; `undefined`: they did not find room. */
  lines(): Buffer[] | undefined {
    const wanted = Math.min(this.#count, this.total);
    const held = this.#heldLineFeeds + (this.#lastByte === LINE_FEED ? 0 : 1);
    // The first line that is held may have begun before.
    const whole = held - (this.#byteBefore === LINE_FEED ? 0 : 1);
    if (wanted === 0) return [];
    if (whole < wanted) return undefined;
    let surplus = held - wanted; // lines to leave out
    const chunks: Buffer[] = [];
    for (const { chunk, lineFeeds } of this.#held) {
      if (surplus > lineFeeds) {
        surplus -= lineFeeds;
        continue;
      }
      let begin = 0;
      for (; surplus > 0; surplus--) begin = chunk.indexOf(LINE_FEED, begin) + 1;
      if (begin < chunk.length) chunks.push(chunk.subarray(begin));
    }
    return chunks;
  }

  /** Of the rest the first line may be a part of one; it is one more than are needed. */
  #dropWhatNoLineNeeds(): void {
    for (
      let first = this.#held[0];
      first && this.#heldLineFeeds - first.lineFeeds > this.#count;
      first = this.#held[0]
    )
      this.#drop(first.chunk.length);
  }

  #dropWhatFindsNoRoom(): void {
    for (let first = this.#held[0]; first && this.#heldBytes > this.#maxBytes; first = this.#held[0])
      this.#drop(Math.min(first.chunk.length, this.#heldBytes - this.#maxBytes));
  }

  /** @param bytes of the first chunk, or all of it */
  #drop(bytes: number): void {
    const first = this.#held[0];
    if (!first) return;
    const dropped = first.chunk.subarray(0, bytes);
    const lineFeeds = bytes === first.chunk.length ? first.lineFeeds : lineFeedsIn(dropped);
    this.#byteBefore = dropped[bytes - 1] as number;
    this.#heldBytes -= bytes;
    this.#heldLineFeeds -= lineFeeds;
    if (bytes === first.chunk.length) this.#held.shift();
    else this.#held[0] = { chunk: first.chunk.subarray(bytes), lineFeeds: first.lineFeeds - lineFeeds };
  }
}

function lineFeedsIn(chunk: Buffer): number {
  let count = 0;
  for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1)) count++;
  return count;
}
