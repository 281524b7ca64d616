import { formatByteSize } from '../../base/byte-size.ts';
import { formatDuration } from '../../base/duration.ts';
import type { StatsReply } from '../../wire/proxy-admin.ts';
import { OUTCOME_SERIES, OUTCOMES, type Outcome } from '../../wire/transaction.ts';
import type { Rates } from './rates-of.ts';
import { visibleText } from './visible-text.ts';

type Row = readonly [name: string, total: string, rate: string];

/** Counters and rates, what never was left out. */
export function statTable(stats: StatsReply, rates: Rates): readonly string[] {
  const counted = (counts: Readonly<Record<string, number>>, a: Readonly<Record<string, number>>): Row[] =>
    Object.entries(counts).flatMap(([name, count]) =>
      count > 0 ? [[`  ${name}`, grouped(count), perSecond(a[name] ?? 0)]] : [],
    );
  const rows: Row[] = [
    [`up ${formatDuration(stats.uptimeMs)}`, 'total', 'a second'],
    ['requests', grouped(stats.requests), perSecond(rates.requests)],
    ...counted(stats.outcomes, rates.outcomes),
    ['from the cache', share(stats.outcomes), share(rates.outcomes)],
    ['status', '', ''],
    ...counted(stats.statuses, rates.statuses),
    ['sent', formatByteSize(stats.sentBytes), formatByteSize(rates.sentBytes)],
    ...(stats.lostLines > 0 ? [['lines lost', grouped(stats.lostLines), ''] as const] : []),
    ...Object.entries(stats.gauges).map(([name, value]) => [visibleText(name), grouped(value), ''] as const),
  ];
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map(([name, total, rate]) =>
    `${name.padEnd(widths[0] ?? 0)}  ${total.padStart(widths[1] ?? 0)}  ${rate.padStart(widths[2] ?? 0)}`.trimEnd(),
  );
}

/** Of those that were answered from the cache or by an origin. */
function share(outcomes: Readonly<Record<Outcome, number>>): string {
  const sumOf = (series: 'hits' | 'misses'): number =>
    OUTCOMES.reduce((sum, name) => sum + (OUTCOME_SERIES[name] === series ? outcomes[name] : 0), 0);
  const [hits, misses] = [sumOf('hits'), sumOf('misses')];
  return hits + misses === 0 ? '-' : `${((100 * hits) / (hits + misses)).toFixed(1)} %`;
}

function grouped(count: number): string {
  return count.toLocaleString('en');
}

function perSecond(rate: number): string {
  return rate.toLocaleString('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}
