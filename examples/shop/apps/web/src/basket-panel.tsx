import type { ApiClient } from '@shop/api-client';
import { type Locale, translate } from '@shop/i18n';
import type { Quote } from '@shop/pricing';
import { Button, Totals } from '@shop/ui';
import { useEffect, useState } from 'preact/hooks';
import { type Change, countItems, type Lines } from './basket-state.ts';

interface BasketPanelProps {
  readonly api: ApiClient;
  readonly lines: Lines;
  readonly locale: Locale;
  readonly onChange: (change: Change) => void;
}

export function BasketPanel({ api, lines, locale, onChange }: BasketPanelProps) {
  const [quote, setQuote] = useState<Quote>();
  useEffect(() => {
    let current = true;
    api.quote({ country: 'DE', lines }).then(
      (answer) => current && setQuote(answer),
      (error) => console.warn('no quote', error),
    );
    return () => {
      current = false;
    };
  }, [api, lines]);

  if (lines.length === 0 || !quote) return <p>{translate(locale, 'basket.empty')}</p>;
  return (
    <section>
      <h2>
        {translate(locale, 'basket.title')} ({translate(locale, 'basket.items', { count: countItems(lines) })}
        )
      </h2>
      <ul>
        {quote.lines.map(({ sku, name, quantity }) => (
          <li key={sku}>
            {quantity} × {name} <Button onPress={() => onChange({ kind: 'take-out', sku })}>−</Button>
          </li>
        ))}
      </ul>
      <Totals {...quote} locale={locale} />
    </section>
  );
}
