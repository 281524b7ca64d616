/**
 * What both Yarns share: a lockfile maps descriptors (`ms@^2.0.0`: what is asked for) to
 * what they resolve to. It does not show every edge: `resolutions` change an answer
 * without changing the question, and package extensions, catalogs and patches ask
 * for what no listed package asks for. Where an edge is in doubt all its possible ends count.
 */
import { ExternalPackage, lockfileOf, type Resolved } from './closure.ts';
import type { Lockfile, Ranges } from './lockfile.ts';

/** A dependency as asked for. */
export interface Want {
  readonly name: string;
  readonly descriptor: string;
  readonly optional: boolean;
}

export interface YarnEntry {
  /** The name that is asked for: an alias, where there is one. */
  readonly askedName: string;
  readonly descriptors: readonly string[];
  /** Descriptors of what this entry is a patched form of. */
  readonly patches: readonly string[];
  readonly name: string;
  readonly id: string;
  readonly integrity: string;
  readonly wants: readonly Want[];
  /** A workspace package: an end of the walk. */
  readonly isMember: boolean;
}

export interface YarnMember {
  readonly wants: readonly Want[];
  /** Resolved only where the root has them: nothing else installs a workspace package's peers. */
  readonly peers: readonly string[];
}

export interface YarnGraph {
  readonly file: string;
  readonly entries: readonly YarnEntry[];
  readonly members: ReadonlyMap<string, YarnMember>;
  /** Of the root's manifest: `ms`, `debug/ms`, `**\/ms`, `ms@npm:^2.0.0`. */
  readonly resolutions: Ranges;
}

export function yarnLockfile(graph: YarnGraph): Lockfile {
  const resolver = new Resolver(graph);
  return lockfileOf(graph.file, resolver.externals, (directory) => resolver.directOf(directory));
}

class Resolver {
  readonly #members: ReadonlyMap<string, YarnMember>;
  readonly #byDescriptor = new Map<string, YarnEntry[]>();
  readonly #byName = new Map<string, YarnEntry[]>();
  /** Names that `resolutions` change: each of their entries counts, whichever is asked for. */
  readonly #pinned: ReadonlySet<string>;
  readonly #strays: readonly ExternalPackage[];
  readonly #externals = new Map<YarnEntry, ExternalPackage>();

  constructor({ entries, members, resolutions }: YarnGraph) {
    this.#members = members;
    for (const entry of entries) {
      for (const descriptor of [...entry.descriptors, ...entry.patches]) {
        append(this.#byDescriptor, descriptor, entry);
      }
      append(this.#byName, entry.askedName, entry);
      if (entry.isMember) continue;
      this.#externals.set(entry, new ExternalPackage(entry, () => this.#resolve(entry.wants)));
    }
    const wants = [...members.values(), ...entries].flatMap((asker) => asker.wants);
    this.#pinned = new Set(Object.keys(resolutions ?? {}).flatMap(namesIn));
    this.#strays = this.#externalsNobodyAsksFor(wants);
  }

  directOf(directory: string): Resolved {
    const member = this.#members.get(directory);
    if (!member) return undefined;
    const rootWants = this.#members.get('')?.wants ?? [];
    const peers = new Set(member.peers);
    const direct = this.#resolve([...member.wants, ...rootWants.filter(({ name }) => peers.has(name))]);
    return direct && [...new Set([...direct, ...this.#strays])];
  }

  get externals(): Iterable<ExternalPackage> {
    return this.#externals.values();
  }

  /** Both Yarns drop a descriptor that is no longer asked for, so one that stays is asked for by an edge we cannot see. */
  #externalsNobodyAsksFor(wants: readonly Want[]): readonly ExternalPackage[] {
    const asked = new Set(wants.map(({ descriptor }) => descriptor));
    const unlisted = wants.filter(({ descriptor }) => !this.#byDescriptor.has(descriptor));
    const byName = new Set([...this.#pinned, ...unlisted.map(({ name }) => name)]);
    const isAsked = ({ askedName, descriptors, patches }: YarnEntry): boolean =>
      byName.has(askedName) ||
      patches.some((descriptor) => asked.has(descriptor)) ||
      descriptors.every((descriptor) => asked.has(descriptor));
    return [...this.#externals].filter(([entry]) => !isAsked(entry)).map(([, external]) => external);
  }

  #resolve(wants: readonly Want[]): Resolved {
    const found = new Set<ExternalPackage>();
    for (const { name, descriptor, optional } of wants) {
      const listed = this.#pinned.has(name) ? undefined : this.#byDescriptor.get(descriptor);
      const entries = listed ?? this.#byName.get(name);
      if (!entries && !optional) return undefined;
      for (const entry of entries ?? []) {
        const external = this.#externals.get(entry);
        if (external) found.add(external);
      }
    }
    return [...found];
  }
}

/** `debug@npm:4/ms@^2` is about `ms`; a name before it that has a range counts too, which is harmless. */
function namesIn(pattern: string): readonly string[] {
  return [...pattern.matchAll(/(?:^|\/)((?:@[^/@]+\/)?[^/@]+)(?=@|$)/g)].map(([, name]) => name ?? '');
}

function append<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
