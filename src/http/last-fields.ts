import type { Clock } from '../base/clock.ts';

/** What heads end with. */
export interface LastLines {
  /** Without the empty line. */
  readonly text: string;
  /** Likewise, where the connection ends with the answer. */
  readonly closing: string;
  /** Of a connection that is kept, with the empty line. */
  readonly bytes: Uint8Array;
}

/** What a server says of the moment and of the connection, at the end of each head. */
export class LastFields {
  readonly #clock: Clock;
  readonly #keepAliveSeconds: () => number;
  #madeAt = Number.NEGATIVE_INFINITY;
  #dated: LastLines = linesOf('', '');
  #undated: LastLines = linesOf('', '');

  constructor(clock: Clock, keepAliveSeconds: () => number) {
    this.#clock = clock;
    this.#keepAliveSeconds = keepAliveSeconds;
  }

  /**
   * The same object for all answers of a second.
   * @param hasDate whether the head has one of its own
   * @param elapsed what the clock says, for who knows
   */
  at(hasDate: boolean, elapsed = this.#clock.elapsed()): LastLines {
    if (this.#madeAt + 1000 <= elapsed) this.#make(elapsed);
    return hasDate ? this.#undated : this.#dated;
  }

  /** RFC 9110 §6.6.1: to the second. They are the same for all answers until the next one. */
  #make(elapsed: number): void {
    const now = this.#clock.now();
    this.#madeAt = elapsed - (now % 1000);
    const kept = `Connection: keep-alive\r\nKeep-Alive: timeout=${this.#keepAliveSeconds()}\r\n`;
    this.#undated = linesOf('', kept);
    this.#dated = linesOf(`Date: ${new Date(now).toUTCString()}\r\n`, kept);
  }
}

function linesOf(date: string, kept: string): LastLines {
  const text = date + kept;
  return { text, closing: `${date}Connection: close\r\n`, bytes: Buffer.from(`${text}\r\n`, 'latin1') };
}
