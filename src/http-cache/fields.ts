/** Fields of a message as they came: name, value, name, value. The order and spelling of Node's `rawHeaders`. */
export type Fields = readonly string[];

/** The values of every line of this name, in order. @param name in lower case */
export function fieldLines(fields: Fields, name: string): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at < fields.length; at += 2)
    if (isNamed(fields[at], name)) lines.push(fields[at + 1] ?? '');
  return lines;
}

/** All lines of a name as one value; `undefined` where there is none. RFC 9110 §5.3. @param name in lower case */
export function fieldValue(fields: Fields, name: string): string | undefined {
  const lines = fieldLines(fields, name);
  return lines.length === 0 ? undefined : lines.join(', ');
}

/** @param name in lower case */
export function hasField(fields: Fields, name: string): boolean {
  for (let at = 0; at < fields.length; at += 2) if (isNamed(fields[at], name)) return true;
  return false;
}

/** Those whose names are not among these. @param names in lower case */
export function withoutFields(fields: Fields, names: ReadonlySet<string>): Fields {
  return filterFields(fields, (name) => !names.has(name));
}

/** @param keep is told each name in lower case */
export function filterFields(fields: Fields, keep: (name: string) => boolean): Fields {
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? '';
    if (keep(name.toLowerCase())) kept.push(name, fields[at + 1] ?? '');
  }
  return kept;
}

/** One line of this name instead of all that were there; it goes to the end. */
export function withField(fields: Fields, name: string, value: string): Fields {
  return [...withoutFields(fields, new Set([name.toLowerCase()])), name, value];
}

/** The names, in lower case, each once. */
export function fieldNames(fields: Fields): ReadonlySet<string> {
  const names = new Set<string>();
  for (let at = 0; at < fields.length; at += 2) names.add((fields[at] ?? '').toLowerCase());
  return names;
}

function isNamed(name: string | undefined, lowerCase: string): boolean {
  return name?.length === lowerCase.length && name.toLowerCase() === lowerCase;
}
