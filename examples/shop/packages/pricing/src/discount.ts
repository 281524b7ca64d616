import { add, allocate, type Money, money, scale, subtract, sum } from '@shop/money';
import type { PricedLine } from './basket.ts';

export type DiscountRule =
  /** So many basis points off every product with the tag. */
  | { readonly kind: 'percent'; readonly tag: string; readonly basisPoints: number }
  /** Of every `take` pieces of one product, `free` cost nothing. */
  | { readonly kind: 'multi-buy'; readonly sku: string; readonly take: number; readonly free: number }
  /** A fixed amount off once the basket, after other discounts, is worth enough. */
  | { readonly kind: 'threshold'; readonly minimum: Money; readonly off: Money };

export interface DiscountedLine extends PricedLine {
  readonly discount: Money;
  /** What is left to pay, before tax. Never negative. */
  readonly net: Money;
}

/** Rules apply in order: each sees what the ones before it left over. */
export function discountLines(
  lines: readonly PricedLine[],
  rules: readonly DiscountRule[],
): readonly DiscountedLine[] {
  const undiscounted = lines.map((line) => ({
    ...line,
    discount: money(0, line.gross.currency),
    net: line.gross,
  }));
  return rules.reduce<readonly DiscountedLine[]>(applyRule, undiscounted);
}

function applyRule(lines: readonly DiscountedLine[], rule: DiscountRule): DiscountedLine[] {
  const offers = lineOffers(lines, rule);
  return lines.map((line, index) => grant(line, offers[index] ?? money(0, line.net.currency)));
}

function lineOffers(lines: readonly DiscountedLine[], rule: DiscountRule): Money[] {
  switch (rule.kind) {
    case 'percent':
      return lines.map(({ product, gross }) =>
        scale(gross, product.tags.includes(rule.tag) ? rule.basisPoints : 0, 10_000),
      );
    case 'multi-buy':
      return lines.map(({ product, quantity }) => {
        const bundles = product.sku === rule.sku ? Math.floor(quantity / rule.take) : 0;
        return scale(product.price, bundles * rule.free);
      });
    case 'threshold':
      return spread(
        lines.map(({ net }) => net),
        rule,
      );
  }
}

/** Shared out by value, so that each tax rate is applied to what was really paid. */
function spread(nets: readonly Money[], { minimum, off }: { minimum: Money; off: Money }): Money[] {
  const total = sum(nets, minimum.currency);
  if (total.minor === 0 || total.minor < minimum.minor) return [];
  return allocate(
    off,
    nets.map(({ minor }) => minor),
  );
}

function grant(line: DiscountedLine, offer: Money): DiscountedLine {
  const granted = offer.minor > line.net.minor ? line.net : offer;
  return { ...line, discount: add(line.discount, granted), net: subtract(line.net, granted) };
}
