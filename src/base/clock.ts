/** Time as a value that is passed in, so that tests turn it by hand and never sleep. */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds that only ever rise; for measuring how long something took. */
  elapsed(): number;
  /** Calls back once after `ms`; the returned function cancels. Never keeps the process alive. */
  after(ms: number, callback: () => void): () => void;
}

/** `setTimeout` counts in 31 bits and ends a longer wait at once; so one beyond 24 days ends after 24 days. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(ms, LONGEST_WAIT_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
