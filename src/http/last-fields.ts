import type { Clock } from '../base/clock.ts';

/** What heads end with. */
export interface LastLines {
  /** Without the empty line. */
  readonly text: string;
  /** With it. */
  readonly bytes: Uint8Array;
}

/** What a server says of the moment and of a connection that it keeps, at the end of each head. */
export class LastFields {
  readonly #clock: Clock;
  readonly #keepAliveSeconds: () => number;
  #madeAt = Number.NEGATIVE_INFINITY;
  #dated: LastLines = linesOf('');
  #undated: LastLines = linesOf('');

  constructor(clock: Clock, keepAliveSeconds: () => number) {
    this.#clock = clock;
    this.#keepAliveSeconds = keepAliveSeconds;
  }

  /**
   * The same object for all answers of a second.
   * @param hasDate whether the head has one of its own
   * @param elapsed what the clock says
   */
  at(elapsed: number, hasDate: boolean): LastLines {
    if (this.#madeAt + 1000 <= elapsed) this.#make(elapsed);
    return hasDate ? this.#undated : this.#dated;
  }

  /** RFC 9110 §6.6.1: to the second. They are the same for all answers until the next one. */
  #make(elapsed: number): void {
    const now = this.#clock.now();
    this.#madeAt = elapsed - (now % 1000);
    const undated = `Connection: keep-alive\r\nKeep-Alive: timeout=${this.#keepAliveSeconds()}\r\n`;
    this.#undated = linesOf(undated);
    this.#dated = linesOf(`Date: ${new Date(now).toUTCString()}\r\n${undated}`);
  }
}

function linesOf(text: string): LastLines {
  return { text, bytes: Buffer.from(`${text}\r\n`, 'latin1') };
}
