import { realpathSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';
import { PackageTasks } from '../task-graph/package-tasks.ts';
import type { Task } from '../task-graph/task.ts';
import type { Package } from '../workspace/package.ts';
import {
  compileGlob,
  compilePatterns,
  isGlob,
  lastRuleDecides,
  type PathMatcher,
  splitPattern,
  staticBase,
} from '../workspace/path-patterns.ts';
import { VELOCITY_FILE } from '../workspace/velocity-file.ts';
import { trackedPaths, type VisibleFile } from '../workspace/visible-files.ts';
import type { Workspace } from '../workspace/workspace.ts';
import { NEVER_ENTERED, walkFiles } from './walk-files.ts';

/** Stands in `inputs` for what they would be without the list. */
export const DEFAULT_INPUTS = '$default';

/**
 * Root files that reach into every package whether a task says so or not: compiler and tool
 * configuration. `global.inputs` replaces this list.
 */
const DEFAULT_GLOBAL_INPUTS = [
  'tsconfig*.json',
  'jsconfig.json',
  '*.config.{js,cjs,mjs,ts,cts,mts,json}',
  '.*rc',
  '.*rc.{js,cjs,mjs,json,yml,yaml}',
  '.npmrc',
  '.nvmrc',
  '.node-version',
  '.tool-versions',
  'Cargo.toml',
  'Cargo.lock',
  'go.work',
  'pyproject.toml',
  'rust-toolchain*',
  'patches/**',
];

/** A file of a package, by both its names. */
interface SourceFile extends VisibleFile {
  /** From the package's folder. */
  readonly local: string;
}

interface Candidate {
  readonly path: string;
  /** From the folder of the task's package; `undefined` outside of it. */
  readonly local: string | undefined;
}

/** Which files decide what: of packages, of tasks, of the whole workspace. */
export class PackageSources {
  readonly #workspace: Workspace;
  readonly #packageTasks: PackageTasks;
  readonly #isTracked: (path: string) => boolean;
  readonly #files = new Map<Package, SourceFile[]>();
  readonly #sources = new Map<Package, readonly SourceFile[]>();

  constructor(workspace: Workspace) {
    this.#workspace = workspace;
    this.#packageTasks = new PackageTasks(workspace);
    this.#isTracked = trackedPaths(workspace.files);
    this.#assignFiles();
  }

  /** The package's own sources, as paths from the root: everything visible but what its tasks make. */
  of(each: Package): readonly string[] {
    return this.#sourcesOf(each).map(({ path }) => path);
  }

  /** Files at the root that count for every task. */
  global(): readonly string[] {
    const { config, files } = this.#workspace;
    const declared = config.global?.inputs;
    if (declared === undefined) {
      const matches = compilePatterns(DEFAULT_GLOBAL_INPUTS, 'exact');
      return files.flatMap(({ path }) => (matches(path) ? [path] : []));
    }
    const patterns = declared.map((pattern) => pattern.replace(/^(!?)\//, '$1'));
    const matches = compilePatterns(patterns);
    const named = patterns.flatMap((pattern) => this.#namedButInvisible(pattern, ''));
    return distinctSorted([...files.map(({ path }) => path), ...named].filter(matches));
  }

  /**
   * The input files of a task, as sorted paths from the root. What the task makes is not among them, unless
   * git tracks it: that is a source first.
   */
  inputsOf(task: Task): readonly string[] {
    const matchesOutput = compilePatterns(task.outputs);
    const isOwnOutput = ({ path, local }: Candidate): boolean =>
      local !== undefined && matchesOutput(local) && !this.#isTracked(path);
    const defaults = this.#sourcesOf(task.package).filter((file) => !isOwnOutput(file));
    if (task.inputs === undefined) return defaults.map(({ path }) => path);

    const onlyTakesOut = task.inputs.every((pattern) => pattern.startsWith('!'));
    const patterns = onlyTakesOut ? [DEFAULT_INPUTS, ...task.inputs] : task.inputs;
    const rules = inputRules(patterns, new Set(defaults.map(({ path }) => path)));
    const chosen = this.#candidates(task.package, patterns).filter(
      (candidate) => !isOwnOutput(candidate) && lastRuleDecides(rules, (matches) => matches(candidate)),
    );
    return distinctSorted(chosen.map(({ path }) => path));
  }

  /** What a link leads to inside the workspace: the file, or the visible files of the folder; from the root. */
  behindLink(path: string): readonly string[] {
    const { root, files } = this.#workspace;
    let target: string;
    try {
      target = relative(root, realpathSync(join(root, path))).replaceAll(sep, '/');
    } catch {
      return []; // it leads to nothing
    }
    if (target === '' || target === '..' || target.startsWith('../') || isAbsolute(target)) return [];
    if (target.split('/').some((part) => NEVER_ENTERED.has(part))) return [];
    const inside = filesBelow(files, `${target}/`);
    return inside.length > 0 ? inside.map((file) => file.path) : [target];
  }

  /** Every file that these patterns could mean, those of packages further down too. */
  #candidates(each: Package, patterns: readonly string[]): Candidate[] {
    const prefix = each.directory === '' ? '' : `${each.directory}/`;
    const localName = (path: string): string | undefined =>
      path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
    const { files } = this.#workspace;
    const visible = patterns.some(isAnchored) ? files : filesBelow(files, prefix);
    const named = patterns.flatMap((pattern) =>
      this.#namedButInvisible(unanchor(pattern), isAnchored(pattern) ? '' : prefix),
    );
    return [...visible.map(({ path }) => path), ...named].map((path) => ({ path, local: localName(path) }));
  }

  /**
   * What is declared counts even where git ignores it: a single file (`.env.local`), or a
   * glob over a folder of which git sees nothing (`generated/**`).
   */
  #namedButInvisible(pattern: string, prefix: string): string[] {
    const { excludes, glob } = splitPattern(pattern);
    if (excludes || pattern === DEFAULT_INPUTS) return [];
    const base = prefix + (isGlob(glob) ? staticBase(glob) : glob);
    const { root, files } = this.#workspace;
    if (base === prefix || files[indexFrom(files, base)]?.path === base) return [];
    return filesBelow(files, `${base}/`).length > 0 ? [] : walkFiles(root, base);
  }

  /** Of every task the package can run, not only of those that run now: a key must not depend on what else was asked for. */
  isOutputOf(each: Package): PathMatcher {
    return compilePatterns(this.#packageTasks.outputs(each));
  }

  #sourcesOf(each: Package): readonly SourceFile[] {
    let sources = this.#sources.get(each);
    if (!sources) {
      const isOutput = this.isOutputOf(each);
      sources = this.#filesOf(each).filter(({ tracked, local }) => tracked || !isOutput(local));
      this.#sources.set(each, sources);
    }
    return sources;
  }

  #filesOf(each: Package): readonly SourceFile[] {
    return this.#files.get(each) ?? [];
  }

  /** Each file belongs to the deepest package above it. */
  #assignFiles(): void {
    const { files, graph, packageManager } = this.#workspace;
    const byDirectory = new Map(graph.packages.map((each) => [each.directory, each]));
    const owners = new Map<string, Package | undefined>();
    const ownerOf = (folder: string): Package | undefined => {
      if (owners.has(folder)) return owners.get(folder);
      const owner = byDirectory.get(folder) ?? (folder === '' ? undefined : ownerOf(parentOf(folder)));
      owners.set(folder, owner);
      return owner;
    };
    for (const file of files) {
      // These count in their own way: through the tasks' settings, and package by package.
      if (file.path === VELOCITY_FILE || file.path === packageManager?.lockfile) continue;
      const owner = ownerOf(parentOf(file.path));
      if (!owner) continue;
      const local = owner.directory === '' ? file.path : file.path.slice(owner.directory.length + 1);
      const own = this.#files.get(owner);
      if (own) own.push({ ...file, local });
      else this.#files.set(owner, [{ ...file, local }]);
    }
  }
}

interface InputRule {
  readonly excludes: boolean;
  readonly matches: (candidate: Candidate) => boolean;
}

function inputRules(patterns: readonly string[], defaults: ReadonlySet<string>): InputRule[] {
  return patterns.map((pattern): InputRule => {
    if (pattern === DEFAULT_INPUTS) return { excludes: false, matches: ({ path }) => defaults.has(path) };
    const { excludes, glob } = splitPattern(unanchor(pattern));
    const matches: PathMatcher = compileGlob(glob);
    if (isAnchored(pattern)) return { excludes, matches: ({ path }) => matches(path) };
    return { excludes, matches: ({ local }) => local !== undefined && matches(local) };
  });
}

/** Files are sorted by path, so those below a folder stand together. */
function filesBelow(files: readonly VisibleFile[], prefix: string): readonly VisibleFile[] {
  const first = indexFrom(files, prefix);
  let end = first;
  while (files[end]?.path.startsWith(prefix)) end++;
  return files.slice(first, end);
}

/** Where the first path stands that is not less. */
function indexFrom(files: readonly VisibleFile[], path: string): number {
  let [low, high] = [0, files.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((files[middle]?.path ?? '') < path) low = middle + 1;
    else high = middle;
  }
  return low;
}

function distinctSorted(paths: readonly string[]): string[] {
  return [...new Set(paths)].sort();
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}

/** A leading slash counts from the workspace root. */
function isAnchored(pattern: string): boolean {
  return /^!?\//.test(pattern);
}

function unanchor(pattern: string): string {
  return pattern.replace(/^(!?)\//, '$1');
}
