/**
 * `package-lock.json` and `npm-shrinkwrap.json`, versions 2 and 3: `packages` maps each
 * place on disk (`packages/a/node_modules/ms`) to what lies there.
 */
import { lockfileOf, opaqueLockfile, type PackageFacts } from './closure.ts';
import type { Lockfile, WorkspaceMember } from './lockfile.ts';
import { type NestedPackage, NestedTree } from './nested-tree.ts';
import { entriesOf, firstText, parsed, recordOf, textsOf } from './shape.ts';

const FOLDER = 'node_modules/';

export function readNpmLockfile(file: string, text: string, workspace: readonly WorkspaceMember[]): Lockfile {
  const document = parsed(file, () => JSON.parse(text));
  const lock = recordOf(document, file, 'the document');
  if (lock['lockfileVersion'] !== 2 && lock['lockfileVersion'] !== 3) return opaqueLockfile(file);

  const members = new Set(['', ...workspace.map(({ directory }) => directory)]);
  const packages = new Map<string, NestedPackage>();
  const links = new Map<string, string>();
  for (const [location, value] of entriesOf(lock['packages'], file, 'packages')) {
    const facts = recordOf(value, file, `packages["${location}"]`);
    if (facts['link'] === true) links.set(location, firstText(facts['resolved']));
    else packages.set(location, readPackage(file, location, facts, members));
  }

  const tree = new NestedTree();
  for (const [location, content] of packages) place(tree, location, content);
  for (const [location, target] of links) {
    const content = packages.get(target);
    if (content) place(tree, location, content);
  }
  return lockfileOf(file, tree.externals, (directory) => {
    const member = isInstalled(directory) ? undefined : packages.get(directory);
    return member && tree.resolve(member);
  });
}

function readPackage(
  file: string,
  location: string,
  facts: Readonly<Record<string, unknown>>,
  members: ReadonlySet<string>,
): NestedPackage {
  const names = (field: string): string[] =>
    textsOf(facts[field], file, `${field} of packages["${location}"]`).map(([name]) => name);
  // Nobody installs the devDependencies of an external package.
  const dev = isInstalled(location) ? [] : names('devDependencies');
  return {
    external: members.has(location) ? undefined : externalFacts(location, facts),
    lookup: foldersUpwards(location),
    required: [...names('dependencies'), ...dev],
    optional: [...names('optionalDependencies'), ...names('peerDependencies')],
  };
}

function externalFacts(location: string, facts: Readonly<Record<string, unknown>>): PackageFacts {
  // `name` is written where the folder has another one: an alias, or a folder that is linked.
  const name = firstText(facts['name'], location.slice(startOfName(location)));
  return {
    name,
    id: `${name}@${firstText(facts['version'])}`,
    integrity: firstText(facts['integrity'], facts['resolved']),
  };
}

function place(tree: NestedTree, location: string, content: NestedPackage): void {
  if (isInstalled(location)) tree.add(parentOf(location), location.slice(startOfName(location)), content);
}

function foldersUpwards(location: string): readonly string[] {
  const folders = [location];
  for (let folder = location; folder !== ''; ) {
    folder = parentOf(folder);
    folders.push(folder);
  }
  return folders;
}

/** The package that an installed one lies within, else the folder above. */
function parentOf(location: string): string {
  const end = isInstalled(location) ? startOfName(location) - FOLDER.length : location.lastIndexOf('/') + 1;
  return location.slice(0, Math.max(0, end - 1));
}

function isInstalled(location: string): boolean {
  return location.startsWith(FOLDER) || location.includes(`/${FOLDER}`);
}

function startOfName(location: string): number {
  const folder = location.lastIndexOf(FOLDER);
  return folder === -1 ? 0 : folder + FOLDER.length;
}
