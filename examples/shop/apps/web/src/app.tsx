import type { ApiClient } from '@shop/api-client';
import { type Product, unitPrice } from '@shop/catalog';
import { type Locale, translate } from '@shop/i18n';
import { ProductCard } from '@shop/ui';
import { useEffect, useReducer, useState } from 'preact/hooks';
import { BasketPanel } from './basket-panel.tsx';
import { change } from './basket-state.ts';

interface AppProps {
  readonly api: ApiClient;
  readonly locale: Locale;
}

export function App({ api, locale }: AppProps) {
  const [query, setQuery] = useState('');
  const [products, setProducts] = useState<readonly Product[]>([]);
  const [lines, dispatch] = useReducer(change, []);

  useEffect(() => {
    api.search(query).then(setProducts, (error) => console.warn('no products', error));
  }, [api, query]);

  return (
    <div class="shop">
      <input
        type="search"
        aria-label={translate(locale, 'search.label')}
        value={query}
        onInput={(event) => setQuery(event.currentTarget.value)}
      />
      <div class="shelf">
        {products.map((product) => (
          <ProductCard
            key={product.sku}
            name={product.name}
            price={product.price}
            perUnit={unitPrice(product)}
            locale={locale}
            onAdd={() => dispatch({ kind: 'add', sku: product.sku })}
          />
        ))}
      </div>
      <BasketPanel api={api} lines={lines} locale={locale} onChange={dispatch} />
    </div>
  );
}
