import { parseSeconds, type Seconds } from './directives.ts';
import type { ResponseHead } from './exchange.ts';
import { fieldLines, fieldValue } from './fields.ts';
import { parseHttpDate } from './http-date.ts';

/**
 * When the origin made the response, in milliseconds. Without a Date, or with one that is none, when it came.
 * RFC 9110 §6.6.1.
 */
export function dateOf({ fields, receivedAt }: ResponseHead): number {
  const date = fieldValue(fields, 'date');
  return (date === undefined ? undefined : parseHttpDate(date, receivedAt)) ?? receivedAt;
}

/** How old the response was when it came. RFC 9111 §4.2.3: corrected_initial_age. */
export function initialAge(head: ResponseHead): Seconds {
  const apparentAge = Math.floor(Math.max(0, head.receivedAt - dateOf(head)) / 1000);
  const responseDelay = Math.floor(Math.max(0, head.receivedAt - head.requestedAt) / 1000);
  return Math.max(apparentAge, ageSaid(head) + responseDelay);
}

/** RFC 9111 §5.1: of a list its first member; what is no number is as good as absent. */
function ageSaid({ fields }: ResponseHead): Seconds {
  const first = fieldLines(fields, 'age')[0]?.split(',')[0];
  return first === undefined ? 0 : (parseSeconds(first.trim()) ?? 0);
}
