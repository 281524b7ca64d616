import assert from 'node:assert/strict';
import { test } from 'node:test';
import { money } from '@shop/money';
import { Price, ProductCard, Totals } from '@shop/ui';
import { h } from 'preact';
import { renderToString } from 'preact-render-to-string';

test('a saving has a minus sign, and none is shown for zero', () => {
  const saving = (minor: number) =>
    renderToString(h(Price, { amount: money(minor, 'EUR'), locale: 'en', saving: true }));
  assert.match(saving(250), />−€2\.50</);
  assert.equal(saving(0), '');
});

test('a price is styled by reference to the tokens, so that a page may override them', () => {
  const html = renderToString(h(Price, { amount: money(199, 'EUR'), locale: 'en' }));
  assert.match(html, /font-family:\s?var\(--font-figures\)/);
  assert.match(html, /color:\s?var\(--color-text\)/);
});

test('the button of a card tells a screen reader what it adds', () => {
  const perUnit = { price: money(956, 'EUR'), unit: 'kg' };
  const html = renderToString(
    h(ProductCard, { name: 'Butter', price: money(239, 'EUR'), perUnit, locale: 'de', onAdd: () => {} }),
  );
  assert.match(html, /aria-label="Butter hinzufügen"/);
  assert.match(html, /9,56\u00a0€ je kg/);
});

test('totals list every tax rate, and a discount only if there is one', () => {
  const amount = (minor: number) => money(minor, 'EUR');
  const taxes = [
    { basisPoints: 550, tax: amount(33) },
    { basisPoints: 2000, tax: amount(40) },
  ];
  const render = (discount: number) =>
    renderToString(
      h(Totals, {
        subtotal: amount(800),
        discount: amount(discount),
        taxes,
        total: amount(873),
        locale: 'en',
      }),
    );
  assert.match(render(0), /VAT 5\.5%.*VAT 20%/s);
  assert.doesNotMatch(render(0), /Discount/);
  assert.match(render(100), /Discount.*−€1\.00/s);
});
