import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCatalog } from '@shop/catalog';
import { money, parseMoney } from '@shop/money';
import { type DiscountRule, isBasket, quote } from '@shop/pricing';

const catalog = openCatalog();

test('a plain basket is prices plus tax, one line per rate', () => {
  const lines = [
    { sku: 'butter-250', quantity: 2 },
    { sku: 'soap-500', quantity: 1 },
  ];
  const result = quote({ country: 'DE', lines }, catalog, []);
  assert.deepEqual(result.subtotal, parseMoney('6.73 EUR'));
  assert.deepEqual(
    result.taxes.map(({ basisPoints, tax }) => [basisPoints, tax.minor]),
    [
      [700, 33],
      [1900, 37],
    ],
  );
  assert.deepEqual(result.total, parseMoney('7.43 EUR'));
});

test('a country without a rate for food still lists the base', () => {
  const result = quote({ country: 'IE', lines: [{ sku: 'oats-500', quantity: 3 }] }, catalog, []);
  assert.deepEqual(result.taxes, [{ basisPoints: 0, base: money(267, 'EUR'), tax: money(0, 'EUR') }]);
});

test('three for two counts whole bundles only', () => {
  const offer: DiscountRule = { kind: 'multi-buy', sku: 'cola-6', take: 3, free: 1 };
  const discount = (quantity: number) =>
    quote({ country: 'FR', lines: [{ sku: 'cola-6', quantity }] }, catalog, [offer]).discount.minor;
  assert.deepEqual([2, 3, 5, 6].map(discount), [0, 399, 399, 798]);
});

test('a threshold looks at what is left after the offers before it', () => {
  const offers: DiscountRule[] = [
    { kind: 'percent', tag: 'breakfast', basisPoints: 1000 },
    { kind: 'threshold', minimum: parseMoney('15.00 EUR'), off: parseMoney('5.00 EUR') },
  ];
  const total = (sku: string) =>
    quote({ country: 'IE', lines: [{ sku, quantity: 1 }] }, catalog, offers).total.minor;
  assert.equal(total('coffee-1000'), 1439);
  assert.equal(total('recipe-book'), 1120);
});

test('an unknown product is refused', () => {
  assert.throws(
    () => quote({ country: 'DE', lines: [{ sku: 'unicorn', quantity: 1 }] }, catalog),
    /no product unicorn/,
  );
});

test('only well-formed baskets pass', () => {
  assert.ok(isBasket({ country: 'DE', lines: [{ sku: 'tea-20', quantity: 1 }] }));
  for (const quantity of [0, -1, 1.5, '2', undefined]) {
    assert.ok(!isBasket({ country: 'DE', lines: [{ sku: 'tea-20', quantity }] }), String(quantity));
  }
  assert.ok(!isBasket({ country: 'US', lines: [] }));
  assert.ok(!isBasket(null));
});
