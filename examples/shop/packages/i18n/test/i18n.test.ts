import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMoney, formatRate, negotiateLocale, translate } from '@shop/i18n';
import { parseMoney } from '@shop/money';

/** Number formats separate with no-break spaces; the assertions below are written with plain ones. */
const plain = (text: string) => text.replaceAll(/[\u00a0\u202f]/g, ' ');

test('the wish with the highest quality that we speak wins', () => {
  assert.equal(negotiateLocale('fr-CH, fr;q=0.9, en;q=0.8'), 'fr');
  assert.equal(negotiateLocale('nl, en;q=0.4, de-AT;q=0.7'), 'de');
  assert.equal(negotiateLocale('fr;q=0, de;q=0.1'), 'de');
  assert.equal(negotiateLocale('tlh, *;q=0.1'), 'en');
  assert.equal(negotiateLocale(''), 'en');
});

test('a count chooses the plural form of its language', () => {
  assert.equal(translate('en', 'basket.items', { count: 1 }), '1 item');
  assert.equal(translate('en', 'basket.items', { count: 0 }), '0 items');
  assert.equal(translate('fr', 'basket.items', { count: 0 }), '0 article');
  assert.equal(translate('de', 'basket.items', { count: 5 }), '5 Artikel');
});

test('a hole without a value stays visible', () => {
  assert.equal(translate('en', 'product.unit-price', { price: '€2.00' }), '€2.00 per {unit}');
});

test('money is written the way its reader expects', () => {
  assert.equal(plain(formatMoney('en', parseMoney('1234.50 EUR'))), '€1,234.50');
  assert.equal(plain(formatMoney('de', parseMoney('1234.50 EUR'))), '1.234,50 €');
  assert.equal(plain(formatMoney('fr', parseMoney('1234.50 EUR'))), '1 234,50 €');
  assert.equal(plain(formatMoney('en', parseMoney('1200 JPY'))), '¥1,200');
  assert.equal(plain(formatRate('de', 550)), '5,5 %');
});
