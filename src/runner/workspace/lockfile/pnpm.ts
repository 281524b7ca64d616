/**
 * `pnpm-lock.yaml`, versions 6 and 9. `importers` are the workspace packages; a
 * dependency's `version` there, and in every package, is a reference that with its name
 * makes the dependency's path: `debug@4.3.4`, `styled@6.0.0(react@18.2.0)`. A path carries its
 * peers and the digest of its patch, so overrides, patches and peers need no reading of their own.
 */
import { ExternalPackage, lockfileOf, opaqueLockfile, type Resolved } from './closure.ts';
import { parseLockYaml } from './lock-yaml.ts';
import type { Lockfile, WorkspaceMember } from './lockfile.ts';
import {
  type Entries,
  entriesOf,
  firstText,
  malformed,
  nameBeforeVersion,
  recordOf,
  textsOf,
} from './shape.ts';

interface Dialect {
  /** Where a path's own dependencies are written. */
  readonly graph: 'packages' | 'snapshots';
  pathOf(name: string, reference: string): string;
}

const DIALECTS: ReadonlyMap<string, Dialect> = new Map([
  ['6.0', { graph: 'packages', pathOf: pathInVersion6 }],
  ['6.1', { graph: 'packages', pathOf: pathInVersion6 }],
  ['9.0', { graph: 'snapshots', pathOf: pathInVersion9 }],
]);

type Tables = Readonly<Record<string, unknown>>;

export function readPnpmLockfile(
  file: string,
  text: string,
  workspace: readonly WorkspaceMember[],
): Lockfile {
  // Newer versions put a document about pnpm itself before the one about the workspace.
  const lock = recordOf(parseLockYaml(file, text).at(-1), file, 'the document');
  const dialect = DIALECTS.get(firstText(lock['lockfileVersion']));
  if (!dialect) return opaqueLockfile(file);

  const directories = new Set(workspace.map((member) => member.directory));
  const externals = readExternals(file, lock, dialect, directories);
  const members = readMembers(file, lock, dialect);
  const packages = [...externals.values()].filter((external) => external !== 'member');
  return lockfileOf(file, packages, (directory) => resolved(externals, members.get(directory)));
}

function readMembers(file: string, lock: Tables, dialect: Dialect): ReadonlyMap<string, readonly string[]> {
  // Version 6 without workspaces writes the root's dependencies at the top.
  const importers = lock['importers'] === undefined ? { '.': lock } : lock['importers'];
  const members = new Map<string, readonly string[]>();
  for (const [key, value] of entriesOf(importers, file, 'importers')) {
    const where = `importers["${key}"]`;
    const importer = recordOf(value, file, where);
    const references = ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((field) =>
      entriesOf(importer[field], file, `${field} of ${where}`).map(([name, dependency]) => {
        const { version } = recordOf(dependency, file, `"${name}" in ${field} of ${where}`);
        if (typeof version !== 'string') throw malformed(file, `"${name}" in ${where} has no version`);
        return [name, version] as const;
      }),
    );
    members.set(key === '.' ? '' : key, pathsOf(references, dialect));
  }
  return members;
}

/** By path; `'member'` stands for a workspace package that is copied instead of linked. */
type Externals = Map<string, ExternalPackage | 'member'>;

function readExternals(
  file: string,
  lock: Tables,
  dialect: Dialect,
  directories: ReadonlySet<string>,
): Externals {
  const { graph } = dialect;
  const published = new Map(entriesOf(lock['packages'], file, 'packages'));
  const externals: Externals = new Map();
  for (const [path, value] of entriesOf(lock[graph], file, graph)) {
    const where = `${graph}["${path}"]`;
    const snapshot = recordOf(value, file, where);
    const facts = published.get(path) ?? published.get(withoutSuffix(path)) ?? {};
    const resolution = recordOf(facts, file, `packages of "${path}"`)['resolution'] ?? {};
    if (isMember(recordOf(resolution, file, `resolution of ${where}`), directories)) {
      externals.set(path, 'member');
      continue;
    }
    const references = ['dependencies', 'optionalDependencies'].flatMap((field) =>
      textsOf(snapshot[field], file, `${field} of ${where}`),
    );
    const paths = pathsOf(references, dialect);
    const id = path.startsWith('/') ? path.slice(1) : path;
    const integrity = integrityOf(recordOf(resolution, file, where));
    externals.set(
      path,
      new ExternalPackage({ name: nameBeforeVersion(id), id, integrity }, () => resolved(externals, paths)),
    );
  }
  return externals;
}

function resolved(externals: Externals, paths: readonly string[] | undefined): Resolved {
  if (!paths) return undefined;
  const found: ExternalPackage[] = [];
  for (const path of paths) {
    const external = externals.get(path);
    if (!external) return undefined;
    if (external !== 'member') found.push(external);
  }
  return found;
}

function isMember(resolution: Readonly<Record<string, unknown>>, directories: ReadonlySet<string>): boolean {
  return resolution['type'] === 'directory' && directories.has(firstText(resolution['directory']));
}

/** Tarballs, commits and runtimes have no integrity of their own, or have several: then all that pins them counts. */
function integrityOf(resolution: Readonly<Record<string, unknown>>): string {
  const { integrity } = resolution;
  if (typeof integrity === 'string') return integrity;
  return Object.keys(resolution).length === 0 ? '' : JSON.stringify(resolution, inKeyOrder);
}

function inKeyOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function pathsOf(references: Entries<string>, dialect: Dialect): readonly string[] {
  return references
    .filter(([, reference]) => !reference.startsWith('link:')) // another workspace package, or a folder pnpm does not look into
    .map(([name, reference]) => dialect.pathOf(name, reference));
}

/** `2.0.0` → `/ms@2.0.0`; `/ms@1.0.0` (an alias), `file:…` and addresses are paths already. */
function pathInVersion6(name: string, reference: string): string {
  if (reference.startsWith('file:') || withoutSuffix(reference).includes('/')) return reference;
  return `/${name}@${reference}`;
}

/** `2.0.0` → `ms@2.0.0`; a reference with its own name before any `:` or `(` is a path already. */
function pathInVersion9(name: string, reference: string): string {
  return /^@|^[^:(@]+@/.test(reference) ? reference : `${name}@${reference}`;
}

/** Without the peers and patch in brackets at the end; brackets within the version stay. */
function withoutSuffix(path: string): string {
  if (!path.endsWith(')')) return path;
  let depth = 0;
  for (let index = path.length - 1; index >= 0; index--) {
    if (path[index] === ')') depth++;
    else if (path[index] === '(') depth--;
    else if (depth === 0) return path.slice(0, index + 1);
  }
  return path;
}
