import type { Catalog } from '@shop/catalog';
import { add, type Currency, type Money, money, subtract, sum } from '@shop/money';
import { type Basket, priceLines } from './basket.ts';
import { type DiscountedLine, type DiscountRule, discountLines } from './discount.ts';
import { type TaxLine, taxLines } from './tax.ts';

export interface QuoteLine {
  readonly sku: string;
  readonly name: string;
  readonly quantity: number;
  readonly gross: Money;
  readonly discount: Money;
}

/** Plain data: what the server sends is what the browser and the receipt show. */
export interface Quote {
  readonly lines: readonly QuoteLine[];
  readonly subtotal: Money;
  readonly discount: Money;
  readonly taxes: readonly TaxLine[];
  readonly total: Money;
}

const CURRENCY: Currency = 'EUR';

/** The offers of the season. */
export const CURRENT_OFFERS: readonly DiscountRule[] = [
  { kind: 'multi-buy', sku: 'cola-6', take: 3, free: 1 },
  { kind: 'percent', tag: 'breakfast', basisPoints: 1000 },
  { kind: 'threshold', minimum: money(50_00, CURRENCY), off: money(5_00, CURRENCY) },
];

export function quote(basket: Basket, catalog: Catalog, offers = CURRENT_OFFERS): Quote {
  const lines = discountLines(priceLines(basket, catalog), offers);
  const total = (amounts: readonly Money[]) => sum(amounts, CURRENCY);

  const subtotal = total(lines.map(({ gross }) => gross));
  const discount = total(lines.map((line) => line.discount));
  const taxes = taxLines(lines, basket.country, CURRENCY);
  const tax = total(taxes.map((line) => line.tax));

  return {
    lines: lines.map(quoteLine),
    subtotal,
    discount,
    taxes,
    total: add(subtract(subtotal, discount), tax),
  };
}

function quoteLine({ product, quantity, gross, discount }: DiscountedLine): QuoteLine {
  return { sku: product.sku, name: product.name, quantity, gross, discount };
}
