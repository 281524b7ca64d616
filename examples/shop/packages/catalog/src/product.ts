import { type Money, parseMoney } from '@shop/money';
import { parseQuantity, type Quantity } from '@shop/units';

export const TAX_CATEGORIES = ['food', 'books', 'standard'] as const;

export type TaxCategory = (typeof TAX_CATEGORIES)[number];

/** A product as people write it and as it travels in JSON. */
export interface ProductRecord {
  readonly sku: string;
  readonly name: string;
  readonly price: string;
  readonly size: string;
  readonly tax: string;
  readonly tags: readonly string[];
}

export interface Product {
  readonly sku: string;
  readonly name: string;
  /** Without tax. */
  readonly price: Money;
  readonly size: Quantity;
  readonly tax: TaxCategory;
  readonly tags: readonly string[];
}

export function parseProduct(record: ProductRecord): Product {
  const tax = TAX_CATEGORIES.find((category) => category === record.tax);
  if (!tax) throw new SyntaxError(`${record.sku}: no tax category ${record.tax}`);
  if (!/^[a-z]+(-[a-z0-9]+)*$/.test(record.sku)) throw new SyntaxError(`not a SKU: ${record.sku}`);
  return { ...record, price: parseMoney(record.price), size: parseQuantity(record.size), tax };
}
