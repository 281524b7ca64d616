import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const bundle = fileURLToPath(new URL('../dist/server.js', import.meta.url));
const child = spawn(process.execPath, [bundle], {
  env: { ...process.env, PORT: '0' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const [greeting] = await once(createInterface(child.stdout), 'line');
const base = String(greeting).replace('listening on ', '');

after(async () => {
  child.kill('SIGTERM');
  await once(child, 'exit');
});

const headers = { connection: 'close' };

async function post(body: string) {
  const response = await fetch(`${base}/quotes`, { method: 'POST', body, headers });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

test('a search answers with the records of the catalog', async () => {
  const response = await fetch(`${base}/products?q=gruyere`, { headers });
  const products = (await response.json()) as { name: string; price: string }[];
  assert.deepEqual(
    products.map(({ name, price }) => [name, price]),
    [['Gruyère', '4.49 EUR']],
  );
});

test('a basket is quoted with the current offers', async () => {
  const { status, body } = await post(
    JSON.stringify({ country: 'DE', lines: [{ sku: 'cola-6', quantity: 3 }] }),
  );
  assert.equal(status, 200);
  assert.deepEqual(body['discount'], { minor: 399, currency: 'EUR' });
  assert.deepEqual(body['total'], { minor: 950, currency: 'EUR' });
});

test('what is no basket is refused, and so is an unknown product', async () => {
  assert.equal((await post('{')).status, 400);
  assert.equal((await post('{"country":"DE","lines":[{"sku":"cola-6","quantity":0}]}')).status, 400);
  const unknown = await post('{"country":"DE","lines":[{"sku":"unicorn","quantity":1}]}');
  assert.deepEqual(unknown, { status: 422, body: { error: 'no product unicorn' } });
});

test('an unknown path says so', async () => {
  const response = await fetch(`${base}/baskets`, { headers });
  assert.equal(response.status, 404);
});
