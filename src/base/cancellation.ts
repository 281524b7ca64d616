/** What is used of an `AbortSignal`, which is one. */
export interface Cancellation {
  readonly aborted: boolean;
  readonly reason: Error | undefined;
  addEventListener(type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/**
 * An `AbortController` for where there is one for each request: Node's own are event targets, and making and listening to
 * them costs more than much of what they could end.
 */
export class Canceller implements Cancellation {
  #isAborted = false;
  #reason: Error | undefined;
  /** Most are listened to once, or not at all. */
  #listeners: (() => void)[] = NONE;

  get aborted(): boolean {
    return this.#isAborted;
  }

  get reason(): Error | undefined {
    return this.#reason;
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (this.#listeners === NONE) this.#listeners = [listener];
    else if (!this.#listeners.includes(listener)) this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener);
    if (at !== -1) this.#listeners.splice(at, 1);
  }

  /** Once; after that it does nothing. Listeners are told in the order in which they came, and let go. */
  abort(reason: Error | undefined): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    for (let listener = this.#listeners.shift(); listener; listener = this.#listeners.shift()) listener();
  }
}

const NONE: (() => void)[] = [];

/** The same as Node's own signal, for what wants one. */
export function signalOf(cancellation: Cancellation): AbortSignal {
  const own = new AbortController();
  const abort = (): void => own.abort(cancellation.reason);
  if (cancellation.aborted) abort();
  else cancellation.addEventListener('abort', abort, { once: true });
  return own.signal;
}
