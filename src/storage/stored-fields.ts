/**
 * Fields of HTTP that say how a representation is to be read, beside its type. Storages keep them with an object and send
 * them with it; without the first one a reader takes packed bytes for plain ones.
 */
export const STORED_FIELDS = [
  'content-encoding',
  'content-language',
  'content-disposition',
  'cache-control',
] as const;

export type StoredFields = Readonly<Partial<Record<(typeof STORED_FIELDS)[number], string>>>;

/** Those that there are, of values by name; empty ones are none. */
export function storedFields(values: Readonly<Record<string, unknown>>): StoredFields {
  const fields: Partial<Record<(typeof STORED_FIELDS)[number], string>> = {};
  for (const name of STORED_FIELDS) {
    const value = values[name];
    if (typeof value === 'string' && value !== '') fields[name] = value;
  }
  return fields;
}
