import type { Transaction } from '../../../wire/transaction.ts';

/** Some transactions in their order, and how many came after them that the reader was too slow for. */
export interface TransactionBatch {
  readonly transactions: readonly Transaction[];
  readonly lost: number;
}

/**
 * What one follower has not taken yet. It is bounded: what finds it full is lost, and counted. The follower is woken
 * once a turn of the event loop, however many came in it.
 */
export class TransactionFeed {
  readonly #limit: number;
  readonly #onLost: () => void;
  readonly #onClosed: () => void;
  #waiting: Transaction[] = [];
  #lost = 0;
  #isClosed = false;
  #wake: (() => void) | undefined;

  /** @param limit how many may wait */
  constructor(limit: number, onLost: () => void, onClosed: () => void) {
    this.#limit = limit;
    this.#onLost = onLost;
    this.#onClosed = onClosed;
  }

  add(transaction: Transaction): void {
    if (this.#waiting.length >= this.#limit) {
      this.#lost++;
      this.#onLost();
      return;
    }
    this.#waiting.push(transaction);
    this.#wakeSoon();
  }

  /** What came since the last time, as soon as there is something; `undefined` once it is closed. One asks at a time. */
  async take(): Promise<TransactionBatch | undefined> {
    if (this.#waiting.length === 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#waiting.length === 0) return undefined;
    const batch = { transactions: this.#waiting, lost: this.#lost };
    this.#waiting = [];
    this.#lost = 0;
    return batch;
  }

  /** What waits may still be taken. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClosed();
    this.#wakeSoon();
  }

  #wakeSoon(): void {
    const wake = this.#wake;
    if (!wake) return;
    this.#wake = undefined;
    setImmediate(wake);
  }
}
