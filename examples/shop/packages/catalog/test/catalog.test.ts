import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openCatalog, parseProduct, productRecords, unitPrice, words } from '@shop/catalog';
import { parseMoney } from '@shop/money';

const catalog = openCatalog();
const skus = (query: string) => catalog.search(query).map((product) => product.sku);

test('accents and case do not matter', () => {
  assert.deepEqual(words('  Café CRÈME, 2 kg'), ['cafe', 'creme', '2', 'kg']);
  assert.deepEqual(skus('GRUYERE'), ['gruyere-200']);
});

test('a word of the name beats the start of one, which beats a tag', () => {
  assert.deepEqual(skus('coffee'), ['coffee-250', 'coffee-1000']);
  assert.deepEqual(skus('co'), ['coffee-250', 'coffee-1000', 'cola-6']);
  assert.equal(skus('breakfast')[0], 'recipe-book');
});

test('every word must be found', () => {
  assert.deepEqual(skus('family coffee'), ['coffee-1000']);
  assert.deepEqual(skus('family tea'), []);
});

test('an empty query lists everything', () => {
  assert.equal(skus('').length, productRecords.length);
});

test('unit prices make pack sizes comparable', () => {
  const price = (sku: string) => {
    const product = catalog.get(sku);
    assert.ok(product);
    return unitPrice(product);
  };
  assert.deepEqual(price('coffee-250'), { price: parseMoney('19.16 EUR'), unit: 'kg' });
  assert.deepEqual(price('coffee-1000'), { price: parseMoney('15.99 EUR'), unit: 'kg' });
  assert.deepEqual(price('cola-6'), { price: parseMoney('2.02 EUR'), unit: 'l' });
  assert.deepEqual(price('jam-340'), { price: parseMoney('6.44 EUR'), unit: 'kg' });
  assert.deepEqual(price('eggs-10'), { price: parseMoney('0.33 EUR'), unit: 'pc' });
});

test('a record with an unknown tax category or a malformed SKU is refused', () => {
  const [record] = productRecords;
  assert.ok(record);
  assert.throws(() => parseProduct({ ...record, tax: 'luxury' }), SyntaxError);
  assert.throws(() => parseProduct({ ...record, sku: 'No Spaces' }), SyntaxError);
  assert.throws(() => openCatalog([record, record]), RangeError);
});
