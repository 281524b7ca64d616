import type { Rate } from '../../base/rate.ts';
import { byteRate, type Kind, requestRate } from '../../config/kinds.ts';

/** What is limited. */
export const LIMITED = ['requests', 'bytes'] as const;
export type Limited = (typeof LIMITED)[number];

/** What is said of one token. What is not said of it is as the server's settings say for all; `none` is no limit. */
export type TokenLimits = { readonly [What in Limited]?: Rate | 'none' | undefined };

const KINDS: Readonly<Record<Limited, Kind<Rate>>> = { requests: requestRate(), bytes: byteRate() };

/** To end "expected …". */
export function limitExpects(what: Limited): string {
  return `${KINDS[what].expects}, or none`;
}

/** `600/m`, `10GiB/h` or `none`. */
export function parseLimit(what: Limited, text: string): Rate | 'none' | undefined {
  return text === 'none' ? text : KINDS[what].parse(text);
}

/** As `parseLimit` reads it back. */
export function spellLimit(what: Limited, limit: Rate | 'none'): string {
  return limit === 'none' ? limit : (KINDS[what].show?.(limit) ?? '');
}
