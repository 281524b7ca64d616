import { VelocityError } from '../../../base/errors.ts';

/** So many at once, and so many that wait, in the order in which they came. */
export class BuildTurns {
  readonly #width: number;
  readonly #maxWaiting: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(width: number, maxWaiting: number) {
    this.#width = width;
    this.#maxWaiting = maxWaiting;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * The turn ends when what is returned is disposed.
   * @throws VelocityError `BUILDS_EXHAUSTED`; the signal's reason where it is aborted before
   */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (this.#running < this.#width) this.#running++;
    else await this.#wait(signal);
    return { [Symbol.dispose]: () => this.#pass() };
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.size >= this.#maxWaiting) {
      const now = `${this.#running} builds run and ${this.#waiting.size} wait for their turn`;
      throw new VelocityError('BUILDS_EXHAUSTED', `${now}: as many as may. Ask again later.`);
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = (): void => {
      this.#waiting.delete(begin);
      reject(signal.reason);
    };
    const begin = (): void => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    signal.addEventListener('abort', leave, { once: true });
    this.#waiting.add(begin);
    return promise;
  }

  /** To the one who waits longest. */
  #pass(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#running--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
