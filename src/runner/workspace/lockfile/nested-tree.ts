/**
 * A lockfile that writes down a tree of `node_modules`: packages lie in folders, and who
 * asks for a name gets the nearest one on the way up.
 */
import { ExternalPackage, type PackageFacts, type Resolved } from './closure.ts';

/** What is asked for, and where the search for it goes. */
export interface NestedWants {
  /** The asker's own folder first, the root ('') last. */
  readonly lookup: readonly string[];
  readonly required: readonly string[];
  /** Optional and peer dependencies, which may have been left out. */
  readonly optional: readonly string[];
}

export interface NestedPackage extends NestedWants {
  /** `undefined` is a workspace package: an end of the walk. */
  readonly external: PackageFacts | undefined;
}

export class NestedTree {
  /** By name, then by the folder it lies in: most names lie in one folder only. */
  readonly #places = new Map<string, Map<string, NestedPackage>>();
  readonly #externals = new Map<NestedPackage, ExternalPackage>();

  add(folder: string, name: string, content: NestedPackage): void {
    const folders = this.#places.get(name);
    if (folders) folders.set(folder, content);
    else this.#places.set(name, new Map([[folder, content]]));

    const { external } = content;
    if (!external || this.#externals.has(content)) return;
    this.#externals.set(content, new ExternalPackage(external, () => this.resolve(content)));
  }

  get externals(): Iterable<ExternalPackage> {
    return this.#externals.values();
  }

  resolve({ lookup, required, optional }: NestedWants): Resolved {
    const dispensable = new Set(optional);
    const found = new Set<ExternalPackage>();
    for (const name of [...required, ...optional]) {
      const nearest = this.#nearest(lookup, name);
      if (!nearest && !dispensable.has(name)) return undefined;
      const external = nearest && this.#externals.get(nearest);
      if (external) found.add(external);
    }
    return [...found];
  }

  #nearest(lookup: readonly string[], name: string): NestedPackage | undefined {
    const folders = this.#places.get(name);
    if (!folders) return undefined;
    for (const folder of lookup) {
      const content = folders.get(folder);
      if (content) return content;
    }
    return undefined;
  }
}
