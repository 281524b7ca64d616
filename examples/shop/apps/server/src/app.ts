import { openCatalog, productRecords } from '@shop/catalog';
import { isBasket, quote } from '@shop/pricing';

export interface Question {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const catalog = openCatalog();
const records = new Map(productRecords.map((record) => [record.sku, record]));

export function answer({ method, url, body }: Question): Answer {
  const route = `${method} ${url.pathname}`;
  if (route === 'GET /health') return { status: 200, body: { status: 'up' } };
  if (route === 'GET /products') return search(url.searchParams.get('q') ?? '');
  if (route === 'POST /quotes') return offer(body);
  return { status: 404, body: { error: `nothing at ${route}` } };
}

function search(query: string): Answer {
  return { status: 200, body: catalog.search(query).map(({ sku }) => records.get(sku)) };
}

function offer(body: string): Answer {
  const basket = parseJson(body);
  if (!isBasket(basket)) return { status: 400, body: { error: 'not a basket' } };
  const missing = basket.lines.find(({ sku }) => !catalog.get(sku));
  if (missing) return { status: 422, body: { error: `no product ${missing.sku}` } };
  return { status: 200, body: quote(basket, catalog) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
