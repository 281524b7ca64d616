import { CURRENCIES, type Currency, isCurrency } from './currency.ts';
import { divideRounded, type Rounding } from './rounding.ts';

/** An amount in minor units (cents), so that sums are exact. */
export interface Money {
  readonly minor: number;
  readonly currency: Currency;
}

export function money(minor: number, currency: Currency): Money {
  if (!Number.isSafeInteger(minor)) throw new RangeError(`${minor} is not a whole number of minor units`);
  return { minor, currency };
}

/** Reads `12.30 EUR`. The digits must be exactly those of the currency. */
export function parseMoney(text: string): Money {
  const [, sign, units, , fraction = '', code = ''] = /^(-?)(\d+)(\.(\d+))? ([A-Z]{3})$/.exec(text) ?? [];
  if (!isCurrency(code)) throw new SyntaxError(`not an amount of money: ${text}`);
  const { digits } = CURRENCIES[code];
  if (fraction.length !== digits) throw new SyntaxError(`${code} has ${digits} decimals: ${text}`);
  return money(Number(`${sign}${units}${fraction}`), code);
}

export function add(first: Money, second: Money): Money {
  sameCurrency(first, second);
  return money(first.minor + second.minor, first.currency);
}

export function subtract(first: Money, second: Money): Money {
  sameCurrency(first, second);
  return money(first.minor - second.minor, first.currency);
}

export function sum(amounts: Iterable<Money>, currency: Currency): Money {
  let total = money(0, currency);
  for (const amount of amounts) total = add(total, amount);
  return total;
}

/** `amount × numerator / denominator`, rounded once at the end. */
export function scale(amount: Money, numerator: number, denominator = 1, rounding: Rounding = 'half-even') {
  return money(divideRounded(amount.minor * numerator, denominator, rounding), amount.currency);
}

/** What a till asks for: the amount rounded to the smallest coin. */
export function toCash(amount: Money): Money {
  const { cashStep } = CURRENCIES[amount.currency];
  return money(divideRounded(amount.minor, cashStep, 'half-up') * cashStep, amount.currency);
}

function sameCurrency(first: Money, second: Money): void {
  if (first.currency !== second.currency) {
    throw new TypeError(`cannot mix ${first.currency} and ${second.currency}`);
  }
}
