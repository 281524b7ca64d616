import { formatMoney, formatRate, type Locale, translate } from '@shop/i18n';
import type { Quote } from '@shop/pricing';

const WIDTH = 40;

/** The paper slip: two columns, and a rule above what is to be paid. */
export function layOut({ lines, subtotal, discount, taxes, total }: Quote, locale: Locale): string {
  const price = (amount: Quote['total']) => formatMoney(locale, amount);
  const count = lines.reduce((items, line) => items + line.quantity, 0);
  const rows = [
    center(translate(locale, 'basket.title')),
    ...lines.map((line) => row(`${line.quantity} × ${line.name}`, price(line.gross))),
    '-'.repeat(WIDTH),
    row(translate(locale, 'quote.subtotal'), price(subtotal)),
    ...(discount.minor > 0 ? [row(translate(locale, 'quote.discount'), `−${price(discount)}`)] : []),
    ...taxes.map(({ basisPoints, tax }) =>
      row(translate(locale, 'quote.tax', { rate: formatRate(locale, basisPoints) }), price(tax)),
    ),
    '='.repeat(WIDTH),
    row(translate(locale, 'quote.total'), price(total)),
    center(translate(locale, 'basket.items', { count })),
  ];
  return `${rows.join('\n')}\n`;
}

function row(left: string, right: string): string {
  const room = WIDTH - right.length - 1;
  const label = left.length > room ? `${left.slice(0, room - 1)}…` : left.padEnd(room);
  return `${label} ${right}`;
}

function center(text: string): string {
  return text.padStart(Math.floor((WIDTH + text.length) / 2));
}
