import { token } from '@shop/design-tokens';
import { formatMoney, type Locale, translate } from '@shop/i18n';
import type { Money } from '@shop/money';
import { Button } from './button.tsx';
import { Price } from './price.tsx';

interface ProductCardProps {
  readonly name: string;
  readonly price: Money;
  readonly perUnit: { readonly price: Money; readonly unit: string };
  readonly locale: Locale;
  readonly onAdd: () => void;
}

export function ProductCard({ name, price, perUnit, locale, onAdd }: ProductCardProps) {
  return (
    <article
      class="product-card"
      style={{
        background: token('color-surface'),
        borderRadius: token('radius-card'),
        padding: token('space-m'),
      }}
    >
      <h3>{name}</h3>
      <Price amount={price} locale={locale} />
      <p style={{ color: token('color-muted') }}>
        {translate(locale, 'product.unit-price', {
          price: formatMoney(locale, perUnit.price),
          unit: perUnit.unit,
        })}
      </p>
      <Button label={translate(locale, 'product.add', { name })} onPress={onAdd}>
        +
      </Button>
    </article>
  );
}
