export const LOCALES = ['en', 'de', 'fr'] as const;

export type Locale = (typeof LOCALES)[number];

/** The reader's best language among ours, from an `Accept-Language` header (RFC 9110 §12.5.4). */
export function negotiateLocale(acceptLanguage: string): Locale {
  const wishes = acceptLanguage
    .split(',')
    .map((wish) => {
      const [range = '', ...parameters] = wish.split(';').map((part) => part.trim());
      const quality = parameters.find((parameter) => parameter.startsWith('q='));
      return {
        language: range.split('-')[0]?.toLowerCase(),
        quality: quality ? Number(quality.slice(2)) : 1,
      };
    })
    .filter((wish) => wish.quality > 0)
    .toSorted((a, b) => b.quality - a.quality);

  for (const { language } of wishes) {
    const locale = LOCALES.find((known) => known === language);
    if (locale) return locale;
  }
  return 'en';
}
