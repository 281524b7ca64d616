import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const dist = (path: string) => readFileSync(new URL(`../dist/${path}`, import.meta.url), 'utf8');

const page = dist('index.html');
const assets = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, path = '']) => path);

test('the page loads one script and one style sheet, both in the bundle', () => {
  assert.deepEqual(assets.map((path) => path.replace(/.*\./, '')).toSorted(), ['css', 'js']);
  for (const path of assets) assert.ok(dist(path).length > 0, path);
});

test('the style sheet holds the tokens', () => {
  const css = dist(assets.find((path) => path.endsWith('.css')) ?? '');
  assert.match(css, /--color-accent:\s?#0b6e4f/);
});

test('the script knows where the server is', () => {
  const script = dist(assets.find((path) => path.endsWith('.js')) ?? '');
  assert.ok(script.includes(process.env['SHOP_API_URL'] ?? 'http://127.0.0.1:3000'));
});
