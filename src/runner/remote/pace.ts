import type { Clock } from '../../base/clock.ts';
import { TimeoutError } from './timeout-error.ts';

/** What a request may take. How much there is to move plays no part: the other side says that, and may lie. */
export interface Pace {
  /** For the whole of it, where nothing moves; and the window in which at least so much must move. */
  readonly timeoutMs: number;
  /** What moved adds time for more; `Infinity` adds none, for messages. */
  readonly slowestBytesPerSecond: number;
}

export interface PacedExchange {
  /** Bytes that moved so far, either way. */
  readonly movedBytes: () => number;
  /** Whether the other side has nothing to do but to answer; then a window may be empty. */
  readonly isAllSent: () => boolean;
  /** Whether it is this side that does not take what has come; such time does not count. */
  readonly isHeldUp: () => boolean;
}

/** In one window of `timeoutMs`. Below it a transfer stands still, whatever it moved before. */
export const LEAST_BYTES_PER_WINDOW = 64 * 1024;
const STEPS_PER_WINDOW = 4;

/**
 * Watches that an exchange moves on, and tells once when it is too slow. Time is counted in steps, each
 * begun when the one before was looked at: a process that was busy elsewhere for long blames nobody for it.
 * @returns ends the watch
 */
export function watchPace(
  { timeoutMs, slowestBytesPerSecond }: Pace,
  exchange: PacedExchange,
  clock: Clock,
  onTooSlow: (error: TimeoutError) => void,
): () => void {
  const stepMs = timeoutMs / STEPS_PER_WINDOW;
  let steps = 0;
  /** What had moved at the last steps, one window back. */
  const window: number[] = [0];
  let cancel = (): void => {};
  const step = (): void => {
    if (exchange.isHeldUp()) {
      next();
      return;
    }
    const moved = exchange.movedBytes();
    const elapsedMs = ++steps * stepMs;
    const before = window.length === STEPS_PER_WINDOW ? window.shift() : undefined;
    window.push(moved);
    if (before !== undefined && moved - before < LEAST_BYTES_PER_WINDOW && !exchange.isAllSent()) {
      onTooSlow(new TimeoutError(stood(moved - before, timeoutMs)));
    } else if (elapsedMs >= timeoutMs + (moved / slowestBytesPerSecond) * 1000) {
      onTooSlow(new TimeoutError(`not done after ${Math.round(elapsedMs)} ms`));
    } else next();
  };
  const next = (): void => {
    cancel = clock.after(stepMs, step);
  };
  next();
  return () => cancel();
}

function stood(bytes: number, timeoutMs: number): string {
  return bytes === 0 ? `no answer for ${timeoutMs} ms` : `only ${bytes} bytes in ${timeoutMs} ms`;
}
