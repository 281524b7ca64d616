import { formatDuration } from '../../base/duration.ts';

/** Milliseconds for people, of what is often far below one: `412 µs`, `1.3 ms`, `85 ms`, `14.3 s`. */
export function formatLatency(ms: number): string {
  if (ms < 0.9995) return `${Math.round(ms * 1000)} µs`;
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  return formatDuration(ms);
}
