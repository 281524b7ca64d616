/**
 * The YAML that lockfiles are written in: maps and lists by indentation, `{a: b}` and
 * `[a, b]` on one line, keys and values plain or quoted, long keys as `? key`, texts of
 * several lines as `|` or `|-`. Answers `undefined` to anything else, never a guess.
 */
import { type LockMap, type LockNode, newMap, readScalar, readValue, splitEntry } from './yaml-scalars.ts';

export function readYamlSubset(text: string): readonly LockNode[] | undefined {
  // Any of these changes what a line is; none is ever written.
  if (/\t|\r(?!\n)|[\u0085\u2028\u2029\uFEFF]/.test(text)) return undefined;
  const reader = new SubsetReader();
  for (const line of text.split(/\r?\n/)) {
    if (!reader.read(line)) return undefined;
  }
  return reader.end();
}

/** A map or list whose lines are being read. */
interface Block {
  readonly indent: number;
  readonly node: LockMap | LockNode[];
}

/** A key whose value has not begun: it is what lies deeper, or ''. */
interface OpenKey {
  readonly map: LockMap;
  readonly key: string;
  readonly indent: number;
}

interface Literal extends OpenKey {
  readonly keepsEnd: boolean;
  readonly lines: string[];
  depth: number;
}

class SubsetReader {
  readonly #documents: LockNode[] = [];
  #hasStarted = false;
  #blocks: Block[] = [];
  #openKey: OpenKey | undefined;
  /** After `? key`: the next line must be its `:`. */
  #longKey: OpenKey | undefined;
  #literal: Literal | undefined;

  /** `false` where the line is not of the subset. */
  read(line: string): boolean {
    const indent = indentOf(line);
    const content = line.slice(indent);
    if (this.#literal) {
      const more = this.#readLiteral(this.#literal, line, content, indent);
      if (more !== undefined) return more;
    }
    if (content === '' || content.startsWith('#')) return !this.#longKey;
    if (line === '---') return this.#startDocument();
    if (line.startsWith('--- ') || line.startsWith('...') || content.endsWith(' ')) return false;
    return this.#place(content, indent);
  }

  end(): readonly LockNode[] | undefined {
    if (this.#longKey) return undefined;
    this.#closeLiteral();
    const [root] = this.#blocks;
    // An empty document is a null in YAML: not ours to judge.
    return root && [...this.#documents, root.node];
  }

  #startDocument(): boolean {
    if (this.#longKey) return false;
    const [root] = this.#blocks;
    if (root) this.#documents.push(root.node);
    this.#blocks = [];
    this.#openKey = undefined;
    const isFirst = !this.#hasStarted;
    this.#hasStarted = true;
    return isFirst || root !== undefined;
  }

  #place(content: string, indent: number): boolean {
    if (!this.#enter(content, indent)) return false;
    const block = this.#blocks.at(-1);
    if (!block) return false;
    if (Array.isArray(block.node)) return this.#readItem(block.node, content, indent);
    if (this.#longKey) return this.#readLongKeyValue(this.#longKey, content, indent);
    if (content.startsWith('? ')) return this.#readLongKey(block.node, content.slice(2), indent);
    return this.#readEntry(block.node, content, indent);
  }

  /** Closes the blocks that end before this line and opens the one that begins with it. */
  #enter(content: string, indent: number): boolean {
    const openKey = this.#openKey;
    this.#openKey = undefined;
    if (openKey && indent > openKey.indent) {
      const node = content.startsWith('- ') ? [] : newMap();
      openKey.map[openKey.key] = node;
      this.#blocks.push({ indent, node });
    } else if (this.#blocks.length === 0) {
      if (indent !== 0 || content.startsWith('- ')) return false;
      this.#blocks.push({ indent, node: newMap() });
    }
    while ((this.#blocks.at(-1)?.indent ?? 0) > indent) this.#blocks.pop();
    return this.#blocks.at(-1)?.indent === indent;
  }

  #readItem(list: LockNode[], content: string, indent: number): boolean {
    if (this.#longKey || !content.startsWith('- ')) return false;
    const item = content.slice(2);
    if (splitEntry(item)) {
      const map = newMap();
      list.push(map);
      return this.#readNested(map, item, indent + 2);
    }
    const value = readValue(item);
    if (value === undefined) return false;
    list.push(value);
    return true;
  }

  /** A map that begins on the line of its own `-` or `:`. */
  #readNested(map: LockMap, entry: string, indent: number): boolean {
    this.#blocks.push({ indent, node: map });
    return this.#readEntry(map, entry, indent);
  }

  #readLongKey(map: LockMap, content: string, indent: number): boolean {
    const key = readScalar(content);
    if (key === undefined || Object.hasOwn(map, key)) return false;
    this.#longKey = { map, key, indent };
    return true;
  }

  #readLongKeyValue(longKey: OpenKey, content: string, indent: number): boolean {
    this.#longKey = undefined;
    if (indent !== longKey.indent) return false;
    if (content === ':') return this.#assign(longKey, '');
    if (!content.startsWith(': ')) return false;
    const value = content.slice(2);
    if (!splitEntry(value)) return this.#assign(longKey, value);
    const map = newMap();
    longKey.map[longKey.key] = map;
    return this.#readNested(map, value, indent + 2);
  }

  #readEntry(map: LockMap, content: string, indent: number): boolean {
    const entry = splitEntry(content);
    // Twice the same key is a mistake that the general parser words better.
    if (!entry || Object.hasOwn(map, entry.key)) return false;
    return this.#assign({ map, key: entry.key, indent }, entry.value);
  }

  #assign(at: OpenKey, content: string): boolean {
    if (content === '|' || content === '|-') {
      at.map[at.key] = '';
      this.#literal = { ...at, keepsEnd: content === '|', lines: [], depth: 0 };
      return true;
    }
    const value = content === '' ? '' : readValue(content);
    if (value === undefined) return false;
    at.map[at.key] = value;
    if (content === '') this.#openKey = at;
    return true;
  }

  /** `undefined` where the line is the first one after the literal. */
  #readLiteral(literal: Literal, line: string, content: string, indent: number): boolean | undefined {
    if (content === '') {
      // Leading and over-long blank lines have rules of their own.
      if (literal.lines.length === 0 || line !== '') return false;
      literal.lines.push('');
      return true;
    }
    if (indent <= literal.indent) {
      this.#closeLiteral();
      return undefined;
    }
    if (literal.lines.length === 0) literal.depth = indent;
    if (indent < literal.depth) return false;
    literal.lines.push(line.slice(literal.depth));
    return true;
  }

  #closeLiteral(): void {
    const literal = this.#literal;
    if (!literal) return;
    this.#literal = undefined;
    const text = literal.lines.join('\n').replace(/\n+$/, '');
    literal.map[literal.key] = literal.keepsEnd && text !== '' ? `${text}\n` : text;
  }
}

function indentOf(line: string): number {
  let indent = 0;
  while (line[indent] === ' ') indent++;
  return indent;
}
