import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { listingFormat } from './listing-format.ts';

test('a browser gets a page', () => {
  const browsers = [
    'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    'text/html, application/xhtml+xml, image/jxr, */*;q=0.5',
    'TEXT/HTML ; Q=0.9 , */*;q=0.1',
    'text/html',
    'text/*',
    'application/json;q=0.5, text/html;q=0.501',
  ];
  for (const accept of browsers) assert.equal(listingFormat(accept), 'html', accept);
});

test('whoever has no preference for a page gets JSON', () => {
  const programs = [undefined, '', '*/*', 'application/json', 'application/*', 'text/html;q=0', 'image/png'];
  const both = ['application/json, text/html', 'text/html;q=0.5, */*', 'text/html;q=0, */*;q=0.1', 'a,;,=;q'];
  for (const accept of [...programs, ...both]) assert.equal(listingFormat(accept), 'json', accept);
});

test('the more specific range decides, wherever it stands', () => {
  assert.equal(listingFormat('*/*;q=0.1, text/*;q=0.2, text/html;q=0, application/json;q=0'), 'json');
  assert.equal(listingFormat('*/*, application/json;q=0.2'), 'html');
  assert.equal(listingFormat('application/json;q=0.2, */*'), 'html');
});

test('of two types the one with the greater weight is preferred', () => {
  const weight = fc.integer({ min: 0, max: 1000 });
  fc.assert(
    fc.property(weight, weight, (html, json) => {
      const accept = `application/json;q=${(json / 1000).toFixed(3)}, text/html;q=${(html / 1000).toFixed(3)}`;
      assert.equal(listingFormat(accept), html > json ? 'html' : 'json');
    }),
  );
});

test('any text is read as a preference or none', () => {
  const unit = fc.constantFrom('text/html', '*/*', ',', ';', 'q=', '0', '.', '1', ' ', '=');
  fc.assert(
    fc.property(fc.string({ unit }), (accept) => {
      assert.match(listingFormat(accept), /^(?:json|html)$/);
    }),
  );
});
