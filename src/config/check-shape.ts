import type { z } from 'zod';
import { didYouMean } from '../base/suggest.ts';
import type { Checked, Mistake } from './mistake.ts';
import type { YamlFile } from './yaml-file.ts';

type Issue = z.core.$ZodIssue;

/** Stands for zod's own words where ours are better; a message the schema gives goes before it. */
const OURS = '';
const EXPLAINED: ReadonlySet<string> = new Set(['invalid_type', 'invalid_value', 'invalid_union']);

/** Holds a file against a schema; every mistake comes back with the line it stands on. */
export function checkShape<T>(file: YamlFile, schema: z.ZodType<T>): Checked<T> {
  const error = ({ code }: { code?: string }) => (EXPLAINED.has(code ?? '') ? OURS : undefined);
  const result = schema.safeParse(file.data, { reportInput: true, error });
  if (result.success) return { ok: true, value: result.data };
  const mistakes = result.error.issues.flatMap((issue) => toMistakes(issue, file, schema));
  return { ok: false, mistakes: mistakes.sort(byPosition) };
}

function toMistakes(issue: Issue, file: YamlFile, schema: z.ZodType): Mistake[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    const list = known.length > 0 ? `; known are ${known.join(', ')}` : '';
    return issue.keys.map((key) => ({
      message: `unknown key "${key}"${didYouMean(key, known) || list}`,
      position: file.positionOf([...issue.path, key], 'key'),
    }));
  }
  const name = issue.path.map(String).join('.') || 'the file';
  const part = issue.code === 'invalid_key' ? 'key' : 'value';
  return [{ message: `${name}: ${explain(issue)}`, position: file.positionOf(issue.path, part) }];
}

/** As they stand in the file. */
function byPosition(a: Mistake, b: Mistake): number {
  const [at, bt] = [a.position, b.position];
  return at && bt ? at.line - bt.line || at.column - bt.column : 0;
}

function explain(issue: Issue): string {
  const found = 'input' in issue ? `, found ${describe(issue.input)}` : '';
  if (issue.code === 'invalid_key') return issue.issues.map(explain).join(' and ');
  if (issue.message !== OURS) return issue.message + found;
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing; expected ${article(issue.expected)}`
        : `expected ${article(issue.expected)}${found}`;
    case 'invalid_value':
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}${found}${
        typeof issue.input === 'string' ? didYouMean(issue.input, issue.values.map(String)) : ''
      }`;
    case 'invalid_union':
      return `is none of the allowed forms${found}`;
    default:
      return issue.message + found;
  }
}

function article(type: string): string {
  const words: Record<string, string> = {
    record: 'a map',
    object: 'a map',
    array: 'a list',
    boolean: 'true or false',
    int: 'a whole number',
  };
  return words[type] ?? `a ${type}`;
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a map';
  return value === undefined ? 'nothing' : JSON.stringify(value);
}

/** The keys the schema knows at this path, for the suggestion. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let node: unknown = unwrap(schema);
  for (const step of path) {
    const def = definition(node);
    if (def?.type === 'object') node = unwrap(def.shape?.[String(step)]);
    else if (def?.type === 'record') node = unwrap(def.valueType);
    else if (def?.type === 'array') node = unwrap(def.element);
    else return [];
  }
  const def = definition(node);
  return def?.type === 'object' ? Object.keys(def.shape ?? {}) : [];
}

interface Definition {
  readonly type: string;
  readonly shape?: Record<string, unknown>;
  readonly innerType?: unknown;
  readonly valueType?: unknown;
  readonly element?: unknown;
  readonly in?: unknown;
  readonly out?: unknown;
}

function definition(node: unknown): Definition | undefined {
  if (typeof node !== 'object' || node === null || !('def' in node)) return undefined;
  return node.def as Definition;
}

/** Through `.optional()`, `.default()`, `.transform()` and `preprocess` to the schema that has keys. */
function unwrap(node: unknown): unknown {
  const def = definition(node);
  const inner =
    def?.innerType ??
    (def?.type === 'pipe' ? (definition(def.in)?.type === 'transform' ? def.out : def.in) : undefined);
  return inner === undefined ? node : unwrap(inner);
}
