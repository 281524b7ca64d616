import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCatalog, productRecords } from '@shop/catalog';
import { type Basket, type Country, quote } from '@shop/pricing';

const catalog = openCatalog();
const countries: readonly Country[] = ['DE', 'FR', 'IE'];

/** A small linear congruential generator: the same baskets in every run. */
function* baskets(count: number): Generator<Basket> {
  let state = 20_240_229;
  const below = (limit: number) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % limit;
  };
  for (let made = 0; made < count; made++) {
    const lines = productRecords
      .filter(() => below(3) === 0)
      .map(({ sku }) => ({ sku, quantity: 1 + below(9) }));
    yield { country: countries[below(countries.length)] ?? 'DE', lines };
  }
}

test('in 100 000 baskets every sum adds up and no line is negative', () => {
  for (const basket of baskets(100_000)) {
    const { lines, subtotal, discount, taxes, total } = quote(basket, catalog);
    const told = JSON.stringify(basket);
    const add = (amounts: readonly number[]) => amounts.reduce((left, right) => left + right, 0);

    if (add(lines.map((line) => line.gross.minor)) !== subtotal.minor) assert.fail(`subtotal of ${told}`);
    if (add(lines.map((line) => line.discount.minor)) !== discount.minor) assert.fail(`discount of ${told}`);
    if (lines.some((line) => line.discount.minor > line.gross.minor)) assert.fail(`negative line in ${told}`);
    if (add(taxes.map((line) => line.base.minor)) !== subtotal.minor - discount.minor)
      assert.fail(`base of ${told}`);
    const tax = add(taxes.map((line) => line.tax.minor));
    if (subtotal.minor - discount.minor + tax !== total.minor) assert.fail(`total of ${told}`);
  }
});

test('the order of the lines changes neither subtotal nor discount', () => {
  for (const basket of baskets(5_000)) {
    const forward = quote(basket, catalog);
    const backward = quote({ ...basket, lines: basket.lines.toReversed() }, catalog);
    if (forward.subtotal.minor !== backward.subtotal.minor) assert.fail(JSON.stringify(basket));
    if (forward.discount.minor !== backward.discount.minor) assert.fail(JSON.stringify(basket));
  }
});
