/**
 * The text format of Yarn 1: looks like YAML and is not.
 *
 *     "@scope/a@^1.0.0", a@1:
 *       version "1.0.2"
 *       dependencies:
 *         b "^2.0.0"
 */
import { malformed } from './shape.ts';

export interface ClassicEntry {
  readonly patterns: readonly string[];
  readonly fields: ReadonlyMap<string, string>;
  /** `dependencies` and `optionalDependencies`. */
  readonly blocks: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

interface OpenEntry {
  readonly patterns: readonly string[];
  readonly fields: Map<string, string>;
  readonly blocks: Map<string, Map<string, string>>;
}

const WORD = String.raw`"(?:[^"\\]|\\.)*"|[^\s",:][^\s",]*?`;
const PATTERNS = new RegExp(`^(?:${WORD})(?:, *(?:${WORD}))*:$`);
const PATTERN = new RegExp(`(${WORD})(?:, *|:$)`, 'y');
const BLOCK = new RegExp(`^(${WORD}):$`);
const FIELD = new RegExp(`^(${WORD}) +("(?:[^"\\\\]|\\\\.)*"|[^\\s"]+)$`);

export function parseClassicText(file: string, text: string): readonly ClassicEntry[] {
  const reader = new ClassicReader();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const content = line.trim();
    if (content === '' || content.startsWith('#')) continue;
    const indent = line.length - line.trimStart().length;
    if (!reader.read(content, indent)) {
      throw malformed(file, `line ${index + 1} is not of Yarn's format: ${content.slice(0, 80)}`);
    }
  }
  return reader.entries;
}

class ClassicReader {
  readonly entries: OpenEntry[] = [];
  #block: Map<string, string> | undefined;

  /** `false` where the line cannot stand here. */
  read(content: string, indent: number): boolean {
    const entry = this.entries.at(-1);
    if (indent === 0) return this.#startEntry(content);
    if (indent === 2 && entry) return this.#readMember(entry, content);
    if (indent === 4 && this.#block) return readField(this.#block, content);
    return false;
  }

  #startEntry(content: string): boolean {
    if (!PATTERNS.test(content)) return false;
    const patterns: string[] = [];
    PATTERN.lastIndex = 0;
    for (let match = PATTERN.exec(content); match; match = PATTERN.exec(content)) {
      const pattern = unquoted(match[1] ?? '');
      if (pattern === undefined) return false;
      patterns.push(pattern);
    }
    this.entries.push({ patterns, fields: new Map(), blocks: new Map() });
    this.#block = undefined;
    return true;
  }

  #readMember(entry: OpenEntry, content: string): boolean {
    const name = BLOCK.exec(content)?.[1];
    if (name === undefined) {
      this.#block = undefined;
      return readField(entry.fields, content);
    }
    this.#block = new Map();
    entry.blocks.set(name, this.#block);
    return true;
  }
}

function readField(fields: Map<string, string>, content: string): boolean {
  const match = FIELD.exec(content);
  const key = unquoted(match?.[1] ?? '""');
  const value = unquoted(match?.[2] ?? '""');
  if (!match || key === undefined || value === undefined) return false;
  fields.set(key, value);
  return true;
}

/** `undefined` where the quotes hold an escape that JSON does not know. */
function unquoted(word: string): string | undefined {
  if (!word.startsWith('"')) return word;
  try {
    return JSON.parse(word);
  } catch {
    return undefined;
  }
}
