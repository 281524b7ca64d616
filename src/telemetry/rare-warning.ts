import type { Clock } from '../base/clock.ts';
import type { Logger } from './logger.ts';

const EVERY_MS = 3600_000;

/** Warns of what may happen a thousand times a minute: the first time at once, then hourly, with how often it did since. */
export class RareWarning {
  readonly #around: { readonly logger: Logger; readonly clock: Clock };
  readonly #message: string;
  #saidAt: number | undefined;
  #times = 0;

  constructor(around: { readonly logger: Logger; readonly clock: Clock }, message: string) {
    this.#around = around;
    this.#message = message;
  }

  /** @param fields of this one; of those that are not told only their number is kept */
  happened(fields: Readonly<Record<string, unknown>>): void {
    this.#times++;
    const { logger, clock } = this.#around;
    const now = clock.elapsed();
    if (this.#saidAt !== undefined && now - this.#saidAt < EVERY_MS) return;
    logger.warn({ ...fields, times: this.#times }, this.#message);
    this.#saidAt = now;
    this.#times = 0;
  }
}
