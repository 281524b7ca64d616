import { lstatSync, readdirSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { NEVER_ENTERED } from '../hasher/walk-files.ts';
import { statsOf } from '../stats-of.ts';
import {
  compilePatterns,
  isGlob,
  type PathMatcher,
  splitPattern,
  staticBase,
} from '../workspace/path-patterns.ts';

/** Something on the disk that a task's output patterns mean. */
export type FoundOutput = {
  /** From the package's folder. */
  readonly path: string;
  readonly stats: Stats;
  /** git tracks it: a source, whatever a pattern says. It is never removed, and kept only where the task wrote it. */
  readonly tracked: boolean;
} & (
  | { readonly kind: 'file' }
  | { readonly kind: 'link'; readonly target: string }
  /** A folder with nothing in it. */
  | { readonly kind: 'directory' }
  /** A pipe, socket or device, or a name that is not UTF-8: nothing that can be kept. */
  | { readonly kind: 'other' }
);

export interface TaskOutputsOptions {
  /** The package's folder, absolute. */
  readonly folder: string;
  readonly workspaceRoot: string;
  readonly patterns: readonly string[];
  /** Whether git tracks a path from the workspace root. */
  readonly isTracked: (path: string) => boolean;
}

/** The outputs of one task, by its patterns. */
export class TaskOutputs {
  readonly matches: PathMatcher;
  readonly #folder: string;
  readonly #workspaceRoot: string;
  readonly #isTracked: (path: string) => boolean;
  readonly #bases: readonly string[];

  constructor({ folder, workspaceRoot, patterns, isTracked }: TaskOutputsOptions) {
    this.#folder = folder;
    this.#workspaceRoot = workspaceRoot;
    this.#isTracked = isTracked;
    this.matches = compilePatterns(patterns);
    this.#bases = outputBases(patterns);
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
      else this.#visit(base, this.#realPath(base), found, true);
    }
    return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  }

  /** @param real where `path` really is, from the workspace root: what git knows it by */
  #visit(path: string, real: string, found: FoundOutput[], isBase: boolean): void {
    const absolute = join(this.#folder, path);
    const stats = statsOf(absolute);
    if (!stats) {
      if (path.includes(UNDECODABLE)) found.push(this.#undecodable(path));
      return;
    }
    const enters =
      stats.isDirectory() || (isBase && stats.isSymbolicLink() && this.#isFolderInside(absolute));
    if (!enters) {
      if (this.matches(path)) found.push(describe(path, absolute, stats, this.#isTracked(real)));
      return;
    }
    const names = readdirSync(absolute);
    if (names.length === 0 && stats.isDirectory() && this.matches(path))
      found.push({ path, kind: 'directory', stats, tracked: false });
    for (const name of names)
      if (!NEVER_ENTERED.has(name)) this.#visit(below(path, name), below(real, name), found, false);
  }

  /** A name that is not UTF-8 was read as another one, which leads nowhere. */
  #undecodable(path: string): FoundOutput {
    return { path, kind: 'other', stats: lstatSync(this.#folder), tracked: false };
  }

  #realPath(base: string): string {
    const absolute = join(this.#folder, base);
    try {
      return relative(this.#workspaceRoot, realpathSync(absolute)).replaceAll(sep, '/');
    } catch {
      return relative(this.#workspaceRoot, absolute).replaceAll(sep, '/'); // nothing is there
    }
  }

  /** The first link on the way to a base that leads out of the workspace. */
  #wayOut(base: string): FoundOutput | undefined {
    for (let slash = base.indexOf('/'); slash >= 0; slash = base.indexOf('/', slash + 1)) {
      const path = base.slice(0, slash);
      const absolute = join(this.#folder, path);
      const stats = statsOf(absolute);
      if (!stats?.isSymbolicLink()) continue;
      const target = realFolder(absolute);
      if (target !== undefined && !this.#isInside(target)) return describe(path, absolute, stats, false);
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

/** What Node puts where a name's bytes are not UTF-8. */
const UNDECODABLE = '\uFFFD';

function describe(path: string, absolute: string, stats: Stats, tracked: boolean): FoundOutput {
  if (stats.isFile()) return { path, kind: 'file', stats, tracked };
  if (stats.isSymbolicLink()) return { path, kind: 'link', target: readlinkSync(absolute), stats, tracked };
  return { path, kind: 'other', stats, tracked };
}

function below(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}

/** The folders and files below which everything lies that the patterns mean; none inside another. */
export function outputBases(patterns: readonly string[]): string[] {
  return outermost(patterns.flatMap(baseOf));
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
