import type { Locale } from './locale.ts';
import de from './messages/de.json' with { type: 'json' };
import en from './messages/en.json' with { type: 'json' };
import fr from './messages/fr.json' with { type: 'json' };

/** English is the reference: a message missing elsewhere is a compile error here. */
const MESSAGES: Record<Locale, Record<keyof typeof en, string>> = { en, de, fr };

type FullKey = keyof typeof en;
type PluralKey<K> = K extends `${infer Stem}.one` ? Stem : never;
export type MessageKey = Exclude<FullKey, `${string}.${'one' | 'other'}`> | PluralKey<FullKey>;
export type Parameters = Readonly<Record<string, string | number>>;

/** Fills in a message. A `count` chooses between the `.one` and `.other` forms where they exist. */
export function translate(locale: Locale, key: MessageKey, parameters: Parameters = {}): string {
  const messages: Readonly<Record<string, string>> = MESSAGES[locale];
  const message = messages[`${key}.${pluralForm(locale, parameters['count'])}`] ?? messages[key];
  if (message === undefined) throw new RangeError(`no message ${key} in ${locale}`);
  return message.replaceAll(/\{(\w+)\}/g, (hole, name: string) => String(parameters[name] ?? hole));
}

function pluralForm(locale: Locale, count: string | number | undefined): string {
  const category = new Intl.PluralRules(locale).select(Number(count ?? 0));
  return category === 'one' ? 'one' : 'other';
}
