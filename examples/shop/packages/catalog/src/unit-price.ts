import { type Money, scale } from '@shop/money';
import { COMPARISON_UNIT, convert, dimensionOf, type Unit } from '@shop/units';
import type { Product } from './product.ts';

export interface UnitPrice {
  readonly price: Money;
  readonly unit: Unit;
}

/** The price per kilogram, litre or piece that shelf labels must show. */
export function unitPrice(product: Product): UnitPrice {
  const unit = COMPARISON_UNIT[dimensionOf(product.size)];
  // Sizes are scaled to millionths of the unit: money divides by whole numbers only.
  const millionths = Math.round(convert(product.size, unit).value * 1_000_000);
  return { price: scale(product.price, 1_000_000, millionths, 'half-up'), unit };
}
