import type { Fields } from './fields.ts';
import { fieldMembers } from './list-members.ts';

/** What a client takes, and how much it likes it. */
export interface Preference {
  /** In lower case. */
  readonly value: string;
  /** From 0, not at all, to 1. RFC 9110 §12.4.2. What is no weight stands in the value. */
  readonly weight: number;
}

/** The members of Accept-Encoding, Accept-Language or Accept-Charset, in order. RFC 9110 §12.5. */
export function preferences(fields: Fields, name: string): readonly Preference[] {
  return fieldMembers(fields, name).map((member) => {
    const parameters = member.toLowerCase().split(';');
    const text = parameters.map((parameter) => parameter.trim()).join(';');
    const weight = /^([^;]*);q=((?:0(?:\.\d{0,3})?)|(?:1(?:\.0{0,3})?))$/.exec(text);
    return weight ? { value: weight[1] ?? '', weight: Number(weight[2]) } : { value: text, weight: 1 };
  });
}

/** The one that is wanted more than every other; `undefined` where several are. */
export function favourite(wanted: readonly Preference[]): string | undefined {
  const most = Math.max(0, ...wanted.map(({ weight }) => weight));
  const best = new Set(wanted.filter(({ weight }) => weight === most).map(({ value }) => value));
  const [first] = best;
  return most > 0 && best.size === 1 ? first : undefined;
}
