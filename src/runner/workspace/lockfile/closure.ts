/**
 * From a graph of external packages to the closure of one workspace package. Every
 * format builds the graph in its own way; the walk and its keys are the same for all.
 */
import type { Lockfile } from './lockfile.ts';

export interface PackageFacts {
  /** The published name, so that an alias and its target are told apart by version only. */
  readonly name: string;
  /** `name@version`, plus peers or patches where the lockfile writes them. */
  readonly id: string;
  /** What pins the bytes: integrity, else resolution, else ''. */
  readonly integrity: string;
}

/** `undefined` where the lockfile lacks a package that must be there. */
export type Resolved = readonly ExternalPackage[] | undefined;

/** A package of the lockfile that is not of the workspace. */
export class ExternalPackage implements PackageFacts {
  readonly name: string;
  readonly id: string;
  readonly integrity: string;
  /** Its number in the order of ids, so that no closure needs sorting. */
  rank = -1;
  readonly #resolve: () => Resolved;
  #dependencies: Resolved | 'not asked yet' = 'not asked yet';

  constructor({ name, id, integrity }: PackageFacts, resolve: () => Resolved) {
    this.name = name;
    this.id = id;
    this.integrity = integrity;
    this.#resolve = resolve;
  }

  /** Resolved when first asked, once for all closures: a lockfile holds much that no task asks about. */
  get dependencies(): Resolved {
    if (this.#dependencies === 'not asked yet') this.#dependencies = this.#resolve();
    return this.#dependencies;
  }
}

/**
 * A lockfile that answers from the graph: `externals` is every package in it, `directOf`
 * what a workspace package gets for what its own manifest asks for.
 */
export function lockfileOf(
  file: string,
  externals: Iterable<ExternalPackage>,
  directOf: (directory: string) => Resolved,
): Lockfile {
  const closures = new Map<string, ReadonlyMap<string, string> | undefined>();
  let index: readonly ExternalPackage[] | undefined;
  return {
    file,
    closureOf(directory) {
      index ??= ranked(externals);
      if (!closures.has(directory)) closures.set(directory, closureFrom(directOf(directory), index));
      return closures.get(directory);
    },
  };
}

/** A lockfile of a version that is not read here: callers fall back to the whole file. */
export function opaqueLockfile(file: string): Lockfile {
  return { file, closureOf: () => undefined };
}

function ranked(externals: Iterable<ExternalPackage>): readonly ExternalPackage[] {
  const index = [...externals].sort((a, b) => compare(a.id, b.id) || compare(a.integrity, b.integrity));
  for (const [rank, external] of index.entries()) external.rank = rank;
  return index;
}

/** A set of packages: one byte a rank. */
type Ranks = Uint8Array;

function closureFrom(
  direct: Resolved,
  index: readonly ExternalPackage[],
): ReadonlyMap<string, string> | undefined {
  const isReached = direct && reachedFrom(direct, index.length);
  if (!isReached) return undefined;
  const reached = index.filter((_, rank) => isReached[rank] === 1);
  return integrityByKey(reached, new Set(direct));
}

/** `undefined` where a package on the way lacks a dependency. */
function reachedFrom(direct: readonly ExternalPackage[], count: number): Ranks | undefined {
  const isReached = new Uint8Array(count);
  const toVisit = [direct];
  for (let packages = toVisit.pop(); packages; packages = toVisit.pop()) {
    for (const external of packages) {
      if (isReached[external.rank] === 1) continue;
      isReached[external.rank] = 1;
      if (!external.dependencies) return undefined;
      toVisit.push(external.dependencies);
    }
  }
  return isReached;
}

function integrityByKey(
  reached: readonly ExternalPackage[],
  direct: ReadonlySet<ExternalPackage>,
): ReadonlyMap<string, string> {
  const several = inSeveralVersions(reached);
  const closure = new Map<string, string>();
  let isSorted = true;
  let [lastId, lastKey] = ['', ''];
  for (const external of reached) {
    const { id, integrity } = external;
    const key = several === undefined ? id : id + markOf(external, direct, several);
    // Equal ids are neighbours, so only then can the key be there already.
    const earlier = id === lastId ? closure.get(key) : undefined;
    closure.set(key, earlier === undefined ? integrity : bothOf(earlier, integrity));
    isSorted &&= lastKey <= key;
    lastId = id;
    lastKey = key;
  }
  return isSorted ? closure : sortedByKey(closure);
}

/**
 * Ranks of the packages whose name the closure holds in more than one version, one byte each;
 * `undefined` where there are none. An id begins with the name, so they are neighbours.
 */
function inSeveralVersions(reached: readonly ExternalPackage[]): Ranks | undefined {
  const several = new Uint8Array((reached.at(-1)?.rank ?? -1) + 1);
  let start = 0;
  for (let end = 1; end <= reached.length; end++) {
    if (reached[end]?.name === reached[start]?.name) continue;
    if (reached[start]?.id !== reached[end - 1]?.id) {
      for (const { rank } of reached.slice(start, end)) several[rank] = 1;
    }
    start = end;
  }
  return several.includes(1) ? several : undefined;
}

/** Which of several versions is meant: no integrity says so, only the lockfile does. */
function markOf(external: ExternalPackage, direct: ReadonlySet<ExternalPackage>, several: Ranks): string {
  const mark = several[external.rank] === 1 && direct.has(external) ? ' (direct)' : '';
  const chosen = (external.dependencies ?? []).filter(({ rank }) => several[rank] === 1);
  if (chosen.length === 0) return mark;
  const ids = new Set(chosen.map(({ id }) => ` > ${id}`));
  return mark + [...ids].sort(compare).join('');
}

/** One version in two places, as npm nests it, may be bundled in one of them and so have no integrity there. */
function bothOf(earlier: string, later: string): string {
  if (earlier === '' || later === '') return earlier + later;
  return earlier.split(' ').includes(later) ? earlier : `${earlier} ${later}`;
}

function sortedByKey(closure: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...closure].sort(([a], [b]) => compare(a, b)));
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
