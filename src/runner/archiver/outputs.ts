import { lstatSync, readdirSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { join, sep } from 'node:path';
import { statsOf } from '../stats-of.ts';
import {
  compilePatterns,
  isGlob,
  type PathMatcher,
  splitPattern,
  staticBase,
} from '../workspace/path-patterns.ts';

/** Something on the disk that a task's output patterns mean. */
export type FoundOutput =
  | { readonly path: string; readonly kind: 'file'; readonly stats: Stats }
  | { readonly path: string; readonly kind: 'link'; readonly target: string; readonly stats: Stats }
  /** A folder with nothing in it. */
  | { readonly path: string; readonly kind: 'directory'; readonly stats: Stats }
  /** A pipe, socket or device: nothing that can be kept. */
  | { readonly path: string; readonly kind: 'other'; readonly stats: Stats };

/** The outputs of one task, by its patterns. */
export class TaskOutputs {
  readonly matches: PathMatcher;
  readonly isShared: PathMatcher;
  readonly #folder: string;
  readonly #workspaceRoot: string;
  readonly #bases: readonly string[];

  /**
   * @param folder the package's folder, absolute
   * @param others patterns of the package's other tasks: what they mean too is not this task's to remove
   */
  constructor(folder: string, workspaceRoot: string, patterns: readonly string[], others: readonly string[]) {
    this.#folder = folder;
    this.#workspaceRoot = workspaceRoot;
    this.matches = compilePatterns(patterns);
    this.isShared = compilePatterns(others);
    this.#bases = outermost(patterns.flatMap(baseOf));
  }

  /**
   * What is there now, sorted by path from the package's folder. An output folder that is itself
   * a link inside the workspace is entered; links further down are outputs of their own. A link above
   * it that leads out of the workspace stands for all behind it, although no pattern means it.
   */
  find(): FoundOutput[] {
    const found: FoundOutput[] = [];
    for (const base of this.#bases) {
      const wayOut = this.#wayOut(base);
      if (wayOut) found.push(wayOut);
      else this.#visit(base, found, true);
    }
    return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  }

  #visit(path: string, found: FoundOutput[], isBase: boolean): void {
    const absolute = join(this.#folder, path);
    const stats = statsOf(absolute);
    if (!stats) return;
    const enters =
      stats.isDirectory() || (isBase && stats.isSymbolicLink() && this.#isFolderInside(absolute));
    if (!enters) {
      if (this.matches(path)) found.push(describe(path, absolute, stats));
      return;
    }
    const names = readdirSync(absolute);
    if (names.length === 0 && stats.isDirectory() && this.matches(path))
      found.push({ path, kind: 'directory', stats });
    for (const name of names)
      if (!NEVER.has(name)) this.#visit(path === '' ? name : `${path}/${name}`, found, false);
  }

  /** The first link on the way to a base that leads out of the workspace. */
  #wayOut(base: string): FoundOutput | undefined {
    for (let slash = base.indexOf('/'); slash >= 0; slash = base.indexOf('/', slash + 1)) {
      const path = base.slice(0, slash);
      const absolute = join(this.#folder, path);
      const stats = statsOf(absolute);
      if (!stats?.isSymbolicLink()) continue;
      const target = realFolder(absolute);
      if (target !== undefined && !this.#isInside(target)) return describe(path, absolute, stats);
    }
    return undefined;
  }

  #isFolderInside(link: string): boolean {
    const target = realFolder(link);
    return target !== undefined && this.#isInside(target);
  }

  #isInside(target: string): boolean {
    return target.startsWith(this.#workspaceRoot + sep);
  }
}

/** The folder a link leads to; `undefined` where it leads to a file or nothing. */
function realFolder(link: string): string | undefined {
  try {
    const target = realpathSync(link);
    return lstatSync(target).isDirectory() ? target : undefined;
  } catch {
    return undefined; // a link to nothing is a link
  }
}

/** Never outputs, unless a pattern begins inside. */
const NEVER = new Set(['node_modules', '.git', '.velocity']);

function describe(path: string, absolute: string, stats: Stats): FoundOutput {
  if (stats.isFile()) return { path, kind: 'file', stats };
  if (stats.isSymbolicLink()) return { path, kind: 'link', target: readlinkSync(absolute), stats };
  return { path, kind: 'other', stats };
}

function baseOf(pattern: string): string[] {
  const { excludes, glob } = splitPattern(pattern);
  if (excludes) return [];
  return [isGlob(glob) ? staticBase(glob) : glob];
}

/** `dist`, `dist/a` → `dist`: nothing is visited twice. */
function outermost(bases: readonly string[]): string[] {
  const distinct = [...new Set(bases)];
  return distinct.filter(
    (base) => !distinct.some((other) => other !== base && (other === '' || base.startsWith(`${other}/`))),
  );
}
