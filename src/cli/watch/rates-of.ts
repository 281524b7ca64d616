import type { StatsReply } from '../../wire/proxy-admin.ts';

/** What came between two answers, per second. */
export interface Rates {
  readonly requests: number;
  readonly sentBytes: number;
  readonly outcomes: StatsReply['outcomes'];
  readonly statuses: StatsReply['statuses'];
}

/** @param before `undefined`: since the proxy began; likewise where it has begun anew since */
export function ratesOf(now: StatsReply, before: StatsReply | undefined): Rates {
  const since = before && before.uptimeMs <= now.uptimeMs ? before : undefined;
  const seconds = Math.max((now.uptimeMs - (since?.uptimeMs ?? 0)) / 1000, 0.001);
  const rate = (count: number, earlier = 0): number => Math.round(((count - earlier) / seconds) * 10) / 10;
  const rates = <N extends string>(
    counts: Readonly<Record<N, number>>,
    earlier?: Readonly<Record<N, number>>,
  ): Record<N, number> =>
    Object.fromEntries(
      Object.entries<number>(counts).map(([name, count]) => [name, rate(count, earlier?.[name as N])]),
    ) as Record<N, number>;
  return {
    requests: rate(now.requests, since?.requests),
    sentBytes: rate(now.sentBytes, since?.sentBytes),
    outcomes: rates(now.outcomes, since?.outcomes),
    statuses: rates(now.statuses, since?.statuses),
  };
}
