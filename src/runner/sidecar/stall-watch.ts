import type { Clock } from '../../base/clock.ts';

export interface Watched {
  /** How long the other side may be waited for now; `undefined` while it is not the one that is waited for. */
  readonly patienceMs: () => number | undefined;
  /** Bytes that moved so far, either way. */
  readonly movedBytes: () => number;
}

const LOOK_EVERY_MS = 250;

/**
 * Tells once when the other side was waited for too long in which nothing moved. Time is counted in looks, each begun
 * when the one before is over: a process that was busy elsewhere for long blames nobody for it.
 * @returns ends the watch
 */
export function watchForStall(
  watched: Watched,
  clock: Clock,
  onStall: (waitedMs: number) => void,
): () => void {
  let [moved, waitedMs] = [-1, 0];
  let cancel = (): void => {};
  const look = (): void => {
    const patienceMs = watched.patienceMs();
    const before = moved;
    moved = watched.movedBytes();
    waitedMs = patienceMs === undefined || moved !== before ? 0 : waitedMs + LOOK_EVERY_MS;
    if (patienceMs !== undefined && waitedMs >= patienceMs) onStall(waitedMs);
    else cancel = clock.after(LOOK_EVERY_MS, look);
  };
  look();
  return () => cancel();
}
