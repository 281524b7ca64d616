import { type Product, type ProductRecord, parseProduct } from '@shop/catalog';
import type { Basket, Quote } from '@shop/pricing';
import { ApiError } from './api-error.ts';
import { exponentialPause, type RetryOptions, retry } from './retry.ts';

export interface ApiClient {
  search(query: string): Promise<Product[]>;
  quote(basket: Basket): Promise<Quote>;
}

export function openApi(baseUrl: string, options: Partial<RetryOptions> = {}): ApiClient {
  const { attempts = 3, pause = exponentialPause } = options;

  async function request(path: string, init?: RequestInit): Promise<unknown> {
    const response = await fetch(new URL(path, baseUrl), init);
    const body: unknown = await response.json();
    if (!response.ok) throw new ApiError(response.status, messageOf(body));
    return body;
  }

  return {
    async search(query) {
      const path = `/products?${new URLSearchParams({ q: query })}`;
      const records = await retry(() => request(path), { attempts, pause });
      return (records as ProductRecord[]).map(parseProduct);
    },
    async quote(basket) {
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(basket),
      };
      return (await retry(() => request('/quotes', init), { attempts, pause })) as Quote;
    },
  };
}

function messageOf(body: unknown): string {
  const { error } = (body ?? {}) as { error?: unknown };
  return typeof error === 'string' ? error : 'the server gave no reason';
}
