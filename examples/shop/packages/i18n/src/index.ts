export { formatMoney, formatRate } from './format.ts';
export { LOCALES, type Locale, negotiateLocale } from './locale.ts';
export { type MessageKey, type Parameters, translate } from './translate.ts';
