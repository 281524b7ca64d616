import { CURRENCIES, type Money } from '@shop/money';
import type { Locale } from './locale.ts';

export function formatMoney(locale: Locale, { minor, currency }: Money): string {
  const { digits } = CURRENCIES[currency];
  const format = new Intl.NumberFormat(locale, {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
  });
  return format.format(minor / 10 ** digits);
}

/** 700 basis points are 7 percent. */
export function formatRate(locale: Locale, basisPoints: number): string {
  const format = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 2 });
  return format.format(basisPoints / 10_000);
}
