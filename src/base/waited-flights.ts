interface Flight<T> {
  readonly landing: Promise<T>;
  readonly leaving: AbortController;
  waiters: number;
}

/**
 * Many callers, one flight per key, as `Singleflight`; and a flight that nobody waits for any more is aborted. What it
 * brings is disposed of once all who waited have taken of it what they want.
 */
export class WaitedFlights<T extends Disposable> {
  readonly #flights = new Map<string, Flight<T>>();

  /**
   * @param fly its signal is aborted when all who waited have left
   * @param take what this caller has of what was brought; whoever comes later gets another flight
   * @param signal this caller leaves: it is rejected with the signal's reason, and `take` is not called
   */
  async run<R>(
    key: string,
    fly: (signal: AbortSignal) => Promise<T>,
    take: (brought: T) => R | Promise<R>,
    signal: AbortSignal,
  ): Promise<R> {
    signal.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#begin(key, fly);
    flight.waiters++;
    try {
      return await take(await unlessAborted(flight.landing, signal));
    } finally {
      if (--flight.waiters === 0) this.#end(key, flight);
    }
  }

  #begin(key: string, fly: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const leaving = new AbortController();
    const flight = { landing: Promise.try(fly, leaving.signal), leaving, waiters: 0 };
    this.#flights.set(key, flight);
    const forget = (): void => this.#forget(key, flight);
    flight.landing.then(forget, forget);
    return flight;
  }

  #end(key: string, flight: Flight<T>): void {
    this.#forget(key, flight);
    flight.leaving.abort(); // says nothing to one that has landed
    flight.landing.then(
      (brought) => brought[Symbol.dispose](),
      () => {},
    );
  }

  #forget(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: either, resolve, reject } = Promise.withResolvers<T>();
  const leave = (): void => reject(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  promise.then(resolve, reject);
  return either.finally(() => signal.removeEventListener('abort', leave));
}
