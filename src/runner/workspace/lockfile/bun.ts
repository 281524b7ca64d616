/**
 * `bun.lock`: JSON with trailing commas. `packages` maps each place in the tree, written
 * `parent/child`, to `[id, …, facts, …, integrity]`; the first step is a package or
 * the name of a workspace package.
 */
import { lockfileOf, opaqueLockfile, type PackageFacts } from './closure.ts';
import type { Lockfile } from './lockfile.ts';
import { type NestedPackage, NestedTree, type NestedWants } from './nested-tree.ts';
import { entriesOf, firstText, malformed, nameBeforeVersion, parsed, recordOf, textsOf } from './shape.ts';

/** Of bun 1.1, 1.2 and 1.4: the same for all that is read here. */
const VERSIONS: ReadonlySet<unknown> = new Set([0, 1, 2]);

export function readBunLockfile(file: string, text: string): Lockfile {
  const document = parsed(file, () => JSON.parse(withoutTrailingCommas(text)));
  const lock = recordOf(document, file, 'the document');
  if (!VERSIONS.has(lock['lockfileVersion'])) return opaqueLockfile(file);

  const tree = new NestedTree();
  const patches = new Map(textsOf(lock['patchedDependencies'], file, 'patchedDependencies'));
  for (const [path, value] of entriesOf(lock['packages'], file, 'packages')) {
    const parent = parentOf(path);
    const name = path.slice(parent === '' ? 0 : parent.length + 1);
    tree.add(parent, name, readPackage(file, path, value, patches));
  }

  const members = new Map<string, NestedWants>();
  for (const [directory, value] of entriesOf(lock['workspaces'], file, 'workspaces')) {
    const where = `workspaces["${directory}"]`;
    const facts = recordOf(value, file, where);
    const path = directory === '' ? '' : firstText(facts['name']);
    members.set(directory, readWants(file, where, path, facts, ['dependencies', 'devDependencies']));
  }
  return lockfileOf(file, tree.externals, (directory) => {
    const member = members.get(directory);
    return member && tree.resolve(member);
  });
}

/** Strings are matched whole, so that a comma inside one is never taken for a trailing one. */
function withoutTrailingCommas(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, (match) => (match === ',' ? '' : match));
}

function readPackage(
  file: string,
  path: string,
  value: unknown,
  patches: ReadonlyMap<string, string>,
): NestedPackage {
  const where = `packages["${path}"]`;
  const [id, ...rest]: unknown[] = Array.isArray(value) ? value : [];
  if (typeof id !== 'string')
    throw malformed(file, `${where} is not a list that starts with a name and version`);
  const facts = rest.find((part) => typeof part === 'object') ?? {};
  const wants = readWants(file, where, path, recordOf(facts, file, where), ['dependencies']);
  return { ...wants, external: isMember(id) ? undefined : externalFacts(id, rest, patches.get(id)) };
}

function externalFacts(id: string, rest: readonly unknown[], patch: string | undefined): PackageFacts {
  return {
    name: nameBeforeVersion(id),
    id: patch === undefined ? id : `${id}(patch=${patch})`,
    // A string before the facts is the address of the registry; what pins the bytes is written after them.
    integrity: rest.length > 1 ? firstText(rest.at(-1)) : '',
  };
}

function readWants(
  file: string,
  where: string,
  path: string,
  facts: Readonly<Record<string, unknown>>,
  required: readonly string[],
): NestedWants {
  const names = (field: string): string[] =>
    textsOf(facts[field], file, `${field} of ${where}`).map(([name]) => name);
  const optional = [...names('optionalDependencies'), ...names('peerDependencies')];
  return { lookup: pathsUpwards(path), required: required.flatMap(names), optional };
}

function isMember(id: string): boolean {
  const version = id.slice(nameBeforeVersion(id).length + 1);
  return version.startsWith('workspace:') || version.startsWith('root:');
}

function pathsUpwards(start: string): readonly string[] {
  const paths = [start];
  for (let path = start; path !== ''; ) {
    path = parentOf(path);
    paths.push(path);
  }
  return paths;
}

/** `a/@scope/b` → `a`: a scope and its name are one step. */
function parentOf(path: string): string {
  const name = path.lastIndexOf('/');
  if (name === -1) return '';
  const scope = path.lastIndexOf('/', name - 1);
  const step = path[scope + 1] === '@' ? scope : name;
  return path.slice(0, Math.max(0, step));
}
