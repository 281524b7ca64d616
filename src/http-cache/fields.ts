/** Fields of a message as they came: name, value, name, value. The order and spelling of Node's `rawHeaders`. */
export type Fields = readonly string[];

/** The values of every line of this name, in order. @param name in lower case */
export function fieldLines(fields: Fields, name: string): readonly string[] {
  let lines: string[] | undefined;
  for (let at = 0; at < fields.length; at += 2) {
    if (!isNamed(fields[at], name)) continue;
    if (lines === undefined) lines = [fields[at + 1] ?? ''];
    else lines.push(fields[at + 1] ?? '');
  }
  return lines ?? NONE;
}

/** All lines of a name as one value; `undefined` where there is none. RFC 9110 §5.3. @param name in lower case */
export function fieldValue(fields: Fields, name: string): string | undefined {
  let value: string | undefined;
  for (let at = 0; at < fields.length; at += 2) {
    if (!isNamed(fields[at], name)) continue;
    const line = fields[at + 1] ?? '';
    value = value === undefined ? line : `${value}, ${line}`;
  }
  return value;
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

/**
 * The same list, where all are kept.
 * @param keep is told each name in lower case
 */
export function filterFields(fields: Fields, keep: (name: string) => boolean): Fields {
  let kept = fields;
  for (let at = 0; at < kept.length; ) {
    if (keep((kept[at] ?? '').toLowerCase())) at += 2;
    else kept = kept.toSpliced(at, 2); // nearly always there is none, or one
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

const NONE: readonly string[] = [];
/** The one bit in which a letter of ASCII and its capital differ; some other characters differ in it, too. */
const CASE_BIT = 0x20;

function isNamed(name: string | undefined, lowerCase: string): boolean {
  if (name?.length !== lowerCase.length) return false;
  // Of most names their first character says that they are others, at a fraction of the cost.
  if ((name.charCodeAt(0) | CASE_BIT) !== (lowerCase.charCodeAt(0) | CASE_BIT)) return false;
  return name.toLowerCase() === lowerCase;
}
