/** What lies on one line of the YAML subset: keys, quoted and plain text, `{a: b}` and `[a, b]`. */

export type LockNode = string | LockNode[] | LockMap;
export type LockMap = { [key: string]: LockNode };

/** Without a prototype, so that a package called `constructor` is a key like any other. */
export function newMap(): LockMap {
  return Object.create(null);
}

/** `key: value` or `key:`, the value still as written. */
export function splitEntry(content: string): { readonly key: string; readonly value: string } | undefined {
  const quote = content[0];
  if (quote === '"' || quote === "'") {
    const end = endOfQuoted(content, 0);
    const key = readScalar(content.slice(0, end));
    const value = afterColon(content, end);
    return key === undefined || value === undefined ? undefined : { key, value };
  }
  const colon = content.indexOf(': ');
  const end = colon === -1 ? content.length - 1 : colon;
  const key = readPlain(content.slice(0, end));
  const value = afterColon(content, end);
  return key === undefined || value === undefined ? undefined : { key, value };
}

function afterColon(content: string, colon: number): string | undefined {
  if (content[colon] !== ':') return undefined;
  if (colon === content.length - 1) return '';
  return content[colon + 1] === ' ' ? withoutSpaces(content.slice(colon + 2)) : undefined;
}

export function readValue(content: string): LockNode | undefined {
  if (content.startsWith('{')) return readFlowMap(content);
  if (content.startsWith('[')) return readFlowList(content);
  return readScalar(content);
}

export function readScalar(content: string): string | undefined {
  const quote = content[0];
  if (quote !== '"' && quote !== "'") return readPlain(content);
  if (endOfQuoted(content, 0) !== content.length) return undefined;
  return quote === "'" ? content.slice(1, -1).replaceAll("''", "'") : readJsonText(content);
}

/** Double quotes are written as JSON writes them; other escapes are left to the general parser. */
function readJsonText(content: string): string | undefined {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

/** No quotes: nothing that YAML would read as more than text, at the start or within. */
function readPlain(content: string): string | undefined {
  const plain = /^[^\s\-?:,[\]{}#&*!|>'"%@`]/.test(content) && !/: | #|[: ]$/.test(content);
  return plain ? content : undefined;
}

/** Where the quoted text that begins at `start` ends; past the end where it is not closed. */
function endOfQuoted(content: string, start: number): number {
  const quoted = content[start] === "'" ? /'(?:[^']|'')*'/y : /"(?:[^"\\]|\\.)*"/y;
  quoted.lastIndex = start;
  return quoted.test(content) ? quoted.lastIndex : content.length + 1;
}

function readFlowMap(content: string): LockMap | undefined {
  const parts = flowParts(content, '}');
  if (!parts) return undefined;
  const map = newMap();
  for (const part of parts) {
    const entry = splitEntry(part);
    const value = entry && readScalar(entry.value);
    if (!entry || value === undefined || Object.hasOwn(map, entry.key)) return undefined;
    map[entry.key] = value;
  }
  return map;
}

function readFlowList(content: string): LockNode[] | undefined {
  const parts = flowParts(content, ']');
  if (!parts) return undefined;
  const items: string[] = [];
  for (const part of parts) {
    const item = readScalar(part);
    if (item === undefined) return undefined;
    items.push(item);
  }
  return items;
}

/** What lies between the commas of `{a: b, c: d}`; brackets within brackets are not of the subset. */
function flowParts(content: string, close: string): readonly string[] | undefined {
  if (content.length < 2 || !content.endsWith(close)) return undefined;
  const inner = content.slice(1, -1);
  if (inner === '') return [];
  const parts: string[] = [];
  let start = 0;
  for (let index = 0; index < inner.length; index++) {
    const character = inner[index] ?? '';
    if ('{}[]'.includes(character)) return undefined;
    if (character === "'" || character === '"') {
      const before = inner.slice(start, index).replace(/^ +/, '');
      if (before !== '' && !before.endsWith(': ')) return undefined; // a quote within plain text
      index = endOfQuoted(inner, index) - 1;
    } else if (character === ',') {
      parts.push(withoutSpaces(inner.slice(start, index)));
      start = index + 1;
    }
  }
  parts.push(withoutSpaces(inner.slice(start)));
  return parts;
}

/** Only spaces: JavaScript's own `trim` also takes what YAML keeps. */
function withoutSpaces(text: string): string {
  return text.replace(/^ +| +$/g, '');
}
