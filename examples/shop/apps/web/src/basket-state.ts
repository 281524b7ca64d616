import type { Basket } from '@shop/pricing';

export type Lines = Basket['lines'];

export type Change =
  | { readonly kind: 'add'; readonly sku: string }
  | { readonly kind: 'take-out'; readonly sku: string }
  | { readonly kind: 'empty' };

/** The basket after a change. Lines keep the order in which their product was first added. */
export function change(lines: Lines, made: Change): Lines {
  switch (made.kind) {
    case 'add':
      return lines.some(({ sku }) => sku === made.sku)
        ? lines.map((line) => (line.sku === made.sku ? { ...line, quantity: line.quantity + 1 } : line))
        : [...lines, { sku: made.sku, quantity: 1 }];
    case 'take-out':
      return lines
        .map((line) => (line.sku === made.sku ? { ...line, quantity: line.quantity - 1 } : line))
        .filter(({ quantity }) => quantity > 0);
    case 'empty':
      return [];
  }
}

export function countItems(lines: Lines): number {
  return lines.reduce((count, line) => count + line.quantity, 0);
}
