import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../telemetry/logger.ts';
import { type KeyPair, readKeyPair } from './tls-material.ts';

const LOOK_EVERY_MS = 30_000;

/** A certificate and its key in files that are replaced from time to time. */
export class TlsFiles {
  readonly #paths: readonly [certificate: string, key: string];
  readonly #around: { readonly clock: Clock; readonly logger: Logger };
  #pair: KeyPair;
  #complaint: string | undefined;
  #cancel = (): void => {};

  /** @throws VelocityError `TLS_INVALID` */
  constructor(certificate: string, key: string, around: { readonly clock: Clock; readonly logger: Logger }) {
    this.#paths = [certificate, key];
    this.#around = around;
    this.#pair = readKeyPair(certificate, key);
  }

  get pair(): KeyPair {
    return this.#pair;
  }

  /** Looks from time to time whether there is a new pair, and hands it over. */
  watch(onNew: (pair: KeyPair) => void): void {
    this.#cancel = this.#around.clock.after(LOOK_EVERY_MS, () => {
      this.reload(onNew);
      this.watch(onNew);
    });
  }

  stop(): void {
    this.#cancel();
  }

  /** Looks now. Of files that cannot be used, or are replaced just now one after the other, the old pair stays. */
  reload(onNew: (pair: KeyPair) => void): void {
    const { logger } = this.#around;
    const [certificate] = this.#paths;
    let pair: KeyPair;
    try {
      pair = readKeyPair(...this.#paths);
    } catch (error) {
      const complaint = messageOf(error);
      if (complaint !== this.#complaint)
        logger.warn({ why: complaint }, 'the new certificate cannot be used: the old one stays');
      this.#complaint = complaint;
      return;
    }
    this.#complaint = undefined;
    if (pair.certificate === this.#pair.certificate && pair.key === this.#pair.key) return;
    this.#pair = pair;
    onNew(pair);
    logger.info({ certificate }, 'there is a new certificate');
  }
}
