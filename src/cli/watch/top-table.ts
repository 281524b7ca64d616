import type { Ranking } from './sliding-counts.ts';
import { visibleText } from './visible-text.ts';

interface TopTitle {
  /** What was counted. */
  readonly by: string;
  /** How many were not counted, for they were not told. */
  readonly lost: number;
}

export function topTable({ total, spanMs, rows }: Ranking, { by, lost }: TopTitle): readonly string[] {
  const missing = lost > 0 ? `, ${lost.toLocaleString('en')} more were not counted` : '';
  const span = total === 0 ? 'minute' : `${Math.max(1, Math.ceil(spanMs / 1000))} s`;
  const requests = total === 1 ? 'request' : 'requests';
  const counts = rows.map(({ count }) => count.toLocaleString('en'));
  const width = Math.max('count'.length, ...counts.map((count) => count.length));
  return [
    `${total.toLocaleString('en')} ${requests} in the last ${span}${missing}`,
    '',
    `${'count'.padStart(width)}   share  ${by}`,
    ...rows.map(({ name, count }, at) => {
      const share = `${((100 * count) / total).toFixed(1)} %`;
      return `${(counts[at] ?? '').padStart(width)} ${share.padStart(7)}  ${visibleText(name)}`;
    }),
  ];
}
