import { formatRate, type Locale, translate } from '@shop/i18n';
import type { Money } from '@shop/money';
import { Price } from './price.tsx';

interface TotalsProps {
  readonly subtotal: Money;
  readonly discount: Money;
  readonly taxes: readonly { readonly basisPoints: number; readonly tax: Money }[];
  readonly total: Money;
  readonly locale: Locale;
}

export function Totals({ subtotal, discount, taxes, total, locale }: TotalsProps) {
  return (
    <dl class="totals">
      <dt>{translate(locale, 'quote.subtotal')}</dt>
      <dd>
        <Price amount={subtotal} locale={locale} />
      </dd>
      {discount.minor > 0 && <dt>{translate(locale, 'quote.discount')}</dt>}
      {discount.minor > 0 && (
        <dd>
          <Price amount={discount} locale={locale} saving />
        </dd>
      )}
      {taxes.flatMap(({ basisPoints, tax }) => [
        <dt key={`rate-${basisPoints}`}>
          {translate(locale, 'quote.tax', { rate: formatRate(locale, basisPoints) })}
        </dt>,
        <dd key={`tax-${basisPoints}`}>
          <Price amount={tax} locale={locale} />
        </dd>,
      ])}
      <dt>{translate(locale, 'quote.total')}</dt>
      <dd>
        <Price amount={total} locale={locale} />
      </dd>
    </dl>
  );
}
