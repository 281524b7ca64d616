import { TAX_CATEGORIES, type TaxCategory } from '@shop/catalog';
import { type Currency, type Money, scale, sum } from '@shop/money';
import type { Country } from './basket.ts';
import type { DiscountedLine } from './discount.ts';

/** Value added tax in basis points. */
const RATES: Record<Country, Record<TaxCategory, number>> = {
  DE: { food: 700, books: 700, standard: 1900 },
  FR: { food: 550, books: 550, standard: 2000 },
  IE: { food: 0, books: 0, standard: 2300 },
};

export interface TaxLine {
  readonly basisPoints: number;
  readonly base: Money;
  readonly tax: Money;
}

/**
 * One line per rate, the lowest first. Tax is taken on the sum of a rate and rounded
 * once: rounding every line would make the total depend on how the basket is split.
 */
export function taxLines(lines: readonly DiscountedLine[], country: Country, currency: Currency): TaxLine[] {
  const rates = RATES[country];
  const distinct = new Set(TAX_CATEGORIES.map((category) => rates[category]));

  return [...distinct]
    .toSorted((a, b) => a - b)
    .map((basisPoints) => {
      const taxed = lines.filter(({ product }) => rates[product.tax] === basisPoints);
      const base = sum(
        taxed.map(({ net }) => net),
        currency,
      );
      return { basisPoints, base, tax: scale(base, basisPoints, 10_000, 'half-up') };
    })
    .filter(({ base }) => base.minor > 0);
}
