import { parseByteSize, spellByteSize } from './byte-size.ts';

/** So much in so long: 600 in a minute. The amount is a whole number, at least 1. */
export interface Rate {
  readonly amount: number;
  readonly periodMs: number;
}

const PERIODS_MS: ReadonlyMap<string, number> = new Map([
  ['s', 1e3],
  ['m', 60e3],
  ['h', 3600e3],
  ['d', 86_400e3],
]);

/** `100/s`, `6000/m`, `500/h`, `20000/d`. A limit of nothing is none of these: it would let nobody in. */
export function parseRequestRate(text: string): Rate | undefined {
  return parseRate(text, (amount) => (/^\d+$/.test(amount) ? Number(amount) : undefined));
}

/** `50GiB/h`, `10MB/s`. The unit is asked for: `100/s` in the place of bytes was meant as requests. */
export function parseByteRate(text: string): Rate | undefined {
  return parseRate(text, (amount) => (/[a-z]$/i.test(amount) ? parseByteSize(amount) : undefined));
}

/** As `parseRequestRate` reads it back. */
export function spellRequestRate({ amount, periodMs }: Rate): string {
  return `${amount}/${spellPeriod(periodMs)}`;
}

/** As `parseByteRate` reads it back. */
export function spellByteRate({ amount, periodMs }: Rate): string {
  const size = spellByteSize(amount);
  return `${/\d$/.test(size) ? `${size}B` : size}/${spellPeriod(periodMs)}`;
}

function parseRate(text: string, parseAmount: (text: string) => number | undefined): Rate | undefined {
  const [amountText = '', period = '', ...rest] = text.split('/').map((part) => part.trim());
  const periodMs = PERIODS_MS.get(period);
  const amount = parseAmount(amountText);
  if (periodMs === undefined || amount === undefined || rest.length > 0) return undefined;
  return Number.isSafeInteger(amount) && amount >= 1 ? { amount, periodMs } : undefined;
}

function spellPeriod(periodMs: number): string {
  const found = [...PERIODS_MS].find(([, ms]) => ms === periodMs);
  if (!found) throw new Error(`unreachable: no rate has a period of ${periodMs} ms`);
  return found[0];
}
