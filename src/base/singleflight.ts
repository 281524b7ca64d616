/**
 * Many callers, one flight per key. The flight is forgotten when it lands, so a
 * failure is shared by those already waiting and by nobody after them.
 */
export class Singleflight<T> {
  readonly #flights = new Map<string, Promise<T>>();

  run(key: string, fly: () => Promise<T>): Promise<T> {
    const flying = this.#flights.get(key);
    if (flying) return flying;

    const flight = Promise.try(fly).finally(() => this.#flights.delete(key));
    this.#flights.set(key, flight);
    return flight;
  }
}
