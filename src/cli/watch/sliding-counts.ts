const SECONDS = 60;
/** Of one second; clients may make up as many URLs as they like. */
const MAX_NAMES = 10_000;
/** What came when no more names were taken. */
export const OTHERS = '(others)';

export interface Ranking {
  readonly total: number;
  /** Since the oldest that is counted, in ms. */
  readonly spanMs: number;
  /** The most frequent first, those of equal count by name. */
  readonly rows: readonly { readonly name: string; readonly count: number }[];
}

/** How often each name came in the last minute, second by second. */
export class SlidingCounts {
  /** By second since the epoch, the oldest first where they were added so. */
  readonly #seconds = new Map<number, Map<string, number>>();

  /** @param at since the epoch, in ms */
  add(name: string, at: number, now: number): void {
    const second = Math.floor(Math.min(at, now) / 1000);
    this.#forget(now);
    if (isOver(second, now)) return;
    const counts = this.#seconds.get(second) ?? new Map<string, number>();
    this.#seconds.set(second, counts);
    const counted = counts.has(name) || counts.size < MAX_NAMES ? name : OTHERS;
    counts.set(counted, (counts.get(counted) ?? 0) + 1);
  }

  ranking(limit: number, now: number): Ranking {
    this.#forget(now);
    const sums = new Map<string, number>();
    let [total, oldest] = [0, Math.floor(now / 1000)];
    for (const [second, counts] of this.#seconds) {
      oldest = Math.min(oldest, second);
      for (const [name, count] of counts) {
        sums.set(name, (sums.get(name) ?? 0) + count);
        total += count;
      }
    }
    const rows = [...sums].map(([name, count]) => ({ name, count }));
    rows.sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
    return { total, spanMs: now - oldest * 1000, rows: rows.slice(0, limit) };
  }

  #forget(now: number): void {
    for (const second of this.#seconds.keys()) if (isOver(second, now)) this.#seconds.delete(second);
  }
}

function isOver(second: number, now: number): boolean {
  return second <= Math.floor(now / 1000) - SECONDS;
}
