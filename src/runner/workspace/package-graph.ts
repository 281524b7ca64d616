import type { Package } from './package.ts';

/** Which packages of the workspace depend on which. */
export class PackageGraph {
  readonly packages: readonly Package[];
  readonly #byName: ReadonlyMap<string, Package>;
  readonly #dependencies = new Map<Package, readonly Package[]>();
  readonly #dependents = new Map<Package, Package[]>();

  constructor(packages: readonly Package[]) {
    this.packages = packages;
    this.#byName = new Map(packages.map((each) => [each.name, each]));
    const byPythonName = new Map(packages.map((each) => [pythonName(each.name), each]));
    const byDirectory = new Map(packages.map((each) => [each.directory, each]));

    for (const each of packages) {
      const found = each.manifest.dependencies.map((dependency) => {
        if ('directory' in dependency) return byDirectory.get(dependency.directory);
        return (
          this.#byName.get(dependency.name) ??
          (isPython(each) ? byPythonName.get(pythonName(dependency.name)) : undefined)
        );
      });
      const dependencies = [...new Set(found)].filter(
        (other) => other !== undefined && other !== each,
      ) as Package[];
      dependencies.sort(byNameOrder);
      this.#dependencies.set(each, dependencies);
      for (const other of dependencies)
        this.#dependents.set(other, [...(this.#dependents.get(other) ?? []), each]);
    }
  }

  get(name: string): Package | undefined {
    return this.#byName.get(name);
  }

  get names(): Iterable<string> {
    return this.#byName.keys();
  }

  /** What it depends on directly, by name. */
  dependenciesOf(each: Package): readonly Package[] {
    return this.#dependencies.get(each) ?? [];
  }

  /** Itself and all it depends on, directly or not. */
  withDependencies(each: Package): ReadonlySet<Package> {
    return reach(each, (at) => this.dependenciesOf(at));
  }

  /** Itself and all that depend on it, directly or not. */
  withDependents(each: Package): ReadonlySet<Package> {
    return reach(each, (at) => this.#dependents.get(at) ?? []);
  }
}

function reach(from: Package, next: (at: Package) => readonly Package[]): Set<Package> {
  const reached = new Set([from]);
  for (const at of reached) for (const other of next(at)) reached.add(other);
  return reached;
}

function isPython({ manifest }: Package): boolean {
  return manifest.file?.endsWith('pyproject.toml') ?? false;
}

/** PEP 503: case and runs of `-_.` do not tell names apart. */
function pythonName(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-');
}

function byNameOrder(a: Package, b: Package): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
