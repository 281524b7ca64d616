import type { Catalog, Product } from '@shop/catalog';
import { type Money, scale } from '@shop/money';

export type Country = 'DE' | 'FR' | 'IE';

/** What a shopper sends: how many of which SKU, delivered where. */
export interface Basket {
  readonly country: Country;
  readonly lines: readonly { readonly sku: string; readonly quantity: number }[];
}

export interface PricedLine {
  readonly product: Product;
  readonly quantity: number;
  readonly gross: Money;
}

const COUNTRIES: readonly unknown[] = ['DE', 'FR', 'IE'] satisfies Country[];

export function isBasket(value: unknown): value is Basket {
  if (typeof value !== 'object' || value === null) return false;
  const { country, lines } = value as Record<string, unknown>;
  return COUNTRIES.includes(country) && Array.isArray(lines) && lines.every(isLine);
}

function isLine(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { sku, quantity } = value as Record<string, unknown>;
  return typeof sku === 'string' && Number.isSafeInteger(quantity) && Number(quantity) > 0;
}

export function priceLines(basket: Basket, catalog: Catalog): PricedLine[] {
  return basket.lines.map(({ sku, quantity }) => {
    const product = catalog.get(sku);
    if (!product) throw new RangeError(`no product ${sku}`);
    return { product, quantity, gross: scale(product.price, quantity) };
  });
}
