/** Fields of a message as they came: name, value, name, value. The order and spelling of Node's `rawHeaders`. */
export type Fields = readonly string[];

/** The values of every line of this name, in order. @param name in lower case */
export function fieldLines(fields: Fields, name: string): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at < fields.length; at += 2)
    if (fields[at]?.toLowerCase() === name) lines.push(fields[at + 1] ?? '');
  return lines;
}

/** Those whose names are not among these. @param names in lower case */
export function withoutFields(fields: Fields, names: ReadonlySet<string>): Fields {
  const kept: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at] ?? '';
    if (!names.has(name.toLowerCase())) kept.push(name, fields[at + 1] ?? '');
  }
  return kept;
}

/** The members of all lines of a list-valued field, without blanks and empty ones. @param name in lower case */
export function fieldTokens(fields: Fields, name: string): readonly string[] {
  return fieldLines(fields, name)
    .flatMap((line) => line.split(','))
    .map((member) => member.trim())
    .filter((member) => member !== '');
}
