import { token } from '@shop/design-tokens';
import { formatMoney, type Locale } from '@shop/i18n';
import type { Money } from '@shop/money';

interface PriceProps {
  readonly amount: Money;
  readonly locale: Locale;
  /** Shown in the colour of good news, with a minus sign. Nothing is shown for zero. */
  readonly saving?: boolean;
}

export function Price({ amount, locale, saving = false }: PriceProps) {
  if (saving && amount.minor === 0) return null;
  const text = formatMoney(locale, amount);
  return (
    <span
      class="price"
      style={{ fontFamily: token('font-figures'), color: token(saving ? 'color-accent' : 'color-text') }}
    >
      {saving ? `−${text}` : text}
    </span>
  );
}
