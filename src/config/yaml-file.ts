import {
  type Alias,
  type Document,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml';
import { messageOf } from '../base/errors.ts';
import { interpolate } from './interpolate.ts';
import type { Checked, Mistake, Position } from './mistake.ts';

type Path = readonly PropertyKey[];

/**
 * A YAML file that remembers where each value stood, so that whoever checks its
 * shape can point at the line. `${VAR}` in values is filled in; keys are left alone.
 */
export interface YamlFile {
  readonly name: string;
  readonly text: string;
  /** Plain data: maps, lists, strings, numbers, booleans, null. */
  readonly data: unknown;
  /** Variables that were used, are not set and have no default; they read as the empty string. */
  readonly unsetVariables: readonly string[];
  /** The text at this path before `${VAR}` was filled in; `undefined` where there is no text. */
  writtenAt(path: Path): string | undefined;
  /** Where the value at this path stands, or its key. A path that is not there gives its nearest parent. */
  positionOf(path: Path, part: 'key' | 'value'): Position;
}

export interface YamlOptions {
  /** `as-written`: texts, so that `2.0`, `0123` and a number of thirty digits stay what they are. */
  readonly numbers?: 'values' | 'as-written';
}

/**
 * Parses and interpolates. Syntax errors, duplicate keys and `${VAR:?…}` of unset variables are
 * mistakes, and so are unquoted texts that YAML takes for a tag or an alias, as it does `!*.md` and `*.ts`.
 */
export function parseYaml(
  name: string,
  text: string,
  env: NodeJS.ProcessEnv,
  { numbers = 'values' }: YamlOptions = {},
): Checked<YamlFile> {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, strict: true, logLevel: 'error' });
  const at = (from: number, to: number): Position => {
    const { line, col } = lineCounter.linePos(Math.min(from, text.length));
    return { file: name, line: Math.max(1, line), column: Math.max(1, col), length: Math.max(1, to - from) };
  };

  const misread: Mistake[] = [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
    message: code === 'TAG_RESOLVE_FAILED' ? UNQUOTED : `this is not valid YAML: ${message}`,
    position: at(pos[0], pos[1]),
  }));
  for (const { range } of danglingAliases(document)) {
    const [from, to] = range ?? [0, 1];
    misread.push({ message: UNQUOTED, position: at(from, to) });
  }
  if (misread.length > 0) return { ok: false, mistakes: misread };
  if (numbers === 'as-written') keepNumbersAsWritten(document);

  const unsetVariables = new Set<string>();
  const mistakes: Mistake[] = [];
  const fill = (value: string, node: Node | undefined): string => {
    const filled = interpolate(value, env);
    for (const variable of filled.unset) unsetVariables.add(variable);
    const [from, to] = node?.range ?? [0, 1];
    for (const message of filled.mistakes) mistakes.push({ message, position: at(from, to) });
    return filled.text;
  };

  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return { ok: false, mistakes: [{ message: messageOf(error), source: name }] }; // aliases that multiply
  }
  const data = fillIn(raw, [], (value, path) => fill(value, nodeAt(document.contents, path).value));
  if (mistakes.length > 0) return { ok: false, mistakes };

  return {
    ok: true,
    value: {
      name,
      text,
      data,
      unsetVariables: [...unsetVariables],
      writtenAt: (path) => {
        const value = path.reduce<unknown>(childOfData, raw);
        return typeof value === 'string' ? value : undefined;
      },
      positionOf(path, part) {
        const found = nodeAt(document.contents, path);
        const node = part === 'key' ? (found.key ?? found.value) : found.value;
        const [from, to] = node?.range ?? [0, 1];
        return at(from, to);
      },
    },
  };
}

const UNQUOTED = 'this is not valid YAML: a text that begins with * or ! needs quotes';

function keepNumbersAsWritten(document: Document): void {
  visit(document, {
    Scalar(_key, scalar) {
      if (typeof scalar.value === 'number') scalar.value = scalar.source ?? String(scalar.value);
    },
  });
}

/** Those without an anchor before them, and those inside what their own anchor marks. */
function danglingAliases(document: Document): Alias[] {
  const dangling: Alias[] = [];
  visit(document, {
    Alias(_key, alias, path) {
      const target = alias.resolve(document);
      if (target === undefined || path.includes(target)) dangling.push(alias);
    },
  });
  return dangling;
}

function fillIn(data: unknown, path: Path, fill: (text: string, path: Path) => string): unknown {
  if (typeof data === 'string') return data.includes('$') ? fill(data, path) : data;
  if (Array.isArray(data)) return data.map((item, index) => fillIn(item, [...path, index], fill));
  if (typeof data !== 'object' || data === null) return data;
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, fillIn(value, [...path, key], fill)]),
  );
}

function childOfData(data: unknown, step: PropertyKey): unknown {
  return typeof data === 'object' && data !== null && Object.hasOwn(data, step)
    ? (data as Record<PropertyKey, unknown>)[step]
    : undefined;
}

interface Found {
  readonly key: Node | undefined;
  readonly value: Node | undefined;
}

/** Walks as far down the path as the document goes. */
function nodeAt(root: Node | null, path: Path): Found {
  let found: Found = { key: undefined, value: root ?? undefined };
  for (const step of path) {
    const next = childOf(found.value, step);
    if (!next) return found;
    found = next;
  }
  return found;
}

function childOf(node: Node | undefined, step: PropertyKey): Found | undefined {
  if (isMap(node)) {
    const pair = node.items.find((item) => keyText(item) === String(step));
    if (!pair) return undefined;
    return { key: pair.key as Node, value: (pair.value as Node | null) ?? (pair.key as Node) };
  }
  if (node && 'items' in node && Array.isArray(node.items) && typeof step === 'number') {
    const item: unknown = node.items[step];
    if (typeof item !== 'object' || item === null || isPair(item)) return undefined;
    return { key: undefined, value: item as Node };
  }
  return undefined;
}

function keyText(pair: Pair): string | undefined {
  return isScalar(pair.key) ? String(pair.key.value) : undefined;
}
