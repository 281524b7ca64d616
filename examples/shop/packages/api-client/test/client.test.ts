import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ApiError, openApi } from '@shop/api-client';
import { productRecords } from '@shop/catalog';

/** A server on a free port that answers with the given statuses, one a request, then stays with the last. */
async function serve(statuses: readonly number[], body: unknown) {
  const seen: string[] = [];
  const listener: RequestListener = (request, response) => {
    const status = statuses[Math.min(seen.length, statuses.length - 1)];
    seen.push(`${request.method} ${request.url}`);
    response.writeHead(status ?? 200, { connection: 'close' }).end(JSON.stringify(body));
  };
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { seen, url, [Symbol.dispose]: () => server.close() };
}

const options = { attempts: 3, pause: () => Promise.resolve() };

test('products arrive with amounts that can be added up', async () => {
  using server = await serve([200], productRecords.slice(0, 2));
  const products = await openApi(server.url, options).search('café & tea');
  assert.deepEqual(
    products.map(({ price }) => price.minor),
    [479, 1599],
  );
  assert.deepEqual(server.seen, ['GET /products?q=caf%C3%A9+%26+tea']);
});

test('trouble that may pass is tried again', async () => {
  using server = await serve([503, 429, 200], []);
  assert.deepEqual(await openApi(server.url, options).search(''), []);
  assert.equal(server.seen.length, 3);
});

test('trouble that stays is reported after the last attempt', async () => {
  using server = await serve([500], { error: 'out of order' });
  await assert.rejects(openApi(server.url, options).search(''), /out of order/);
  assert.equal(server.seen.length, 3);
});

test('a refusal is not tried again', async () => {
  using server = await serve([422], { error: 'no product unicorn' });
  const refusal = openApi(server.url, options).quote({ country: 'DE', lines: [] });
  await assert.rejects(refusal, (error) => error instanceof ApiError && error.status === 422);
  assert.deepEqual(server.seen, ['POST /quotes']);
});
