import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { messageOf, VelocityError } from '../../base/errors.ts';
import type { DeclaredDependency, Manifest, NpmManifest } from './package.ts';

/** Manifest files by preference: a folder with several is what its first one says. */
export const MANIFEST_FILES = ['package.json', 'Cargo.toml', 'go.mod', 'pyproject.toml'] as const;
type ManifestFile = (typeof MANIFEST_FILES)[number];

type Table = Readonly<Record<string, unknown>>;

/** Editors of Windows write one; package managers take it. */
export const BYTE_ORDER_MARK = /^\uFEFF/;

const EMPTY = { name: undefined, version: undefined, scripts: {}, dependencies: [], npm: undefined };

/**
 * Reads a folder's manifest.
 * @param file one of `MANIFEST_FILES` that the folder holds, or `undefined`
 * @throws VelocityError `WORKSPACE_INVALID` that names the file
 */
export async function readManifest(
  root: string,
  directory: string,
  file: ManifestFile | undefined,
): Promise<Manifest> {
  if (file === undefined) return { file, ...EMPTY };
  const path = posix.join(directory, file);
  try {
    const text = readFileSync(join(root, path), 'utf8').replace(BYTE_ORDER_MARK, '');
    return { file: path, ...EMPTY, ...(await READERS[file](text, directory)) };
  } catch (error) {
    throw new VelocityError('WORKSPACE_INVALID', `${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

type Reader = (text: string, directory: string) => Partial<Manifest> | Promise<Partial<Manifest>>;

const READERS: Readonly<Record<ManifestFile, Reader>> = {
  'package.json': (text, directory) => readNpm(text, directory),
  'Cargo.toml': async (text, directory) => readCargo(await parseToml(text), directory),
  'go.mod': (text, directory) => readGo(text, directory),
  'pyproject.toml': async (text, directory) => readPython(await parseToml(text), directory),
};

function readNpm(text: string, directory: string): Partial<Manifest> {
  const json = asTable(JSON.parse(text));
  const npm: NpmManifest = {
    dependencies: textsOf(json['dependencies']),
    devDependencies: textsOf(json['devDependencies']),
    optionalDependencies: textsOf(json['optionalDependencies']),
    peerDependencies: textsOf(json['peerDependencies']),
  };
  const declared = Object.values(npm).flatMap((group: Record<string, string>) => Object.entries(group));
  const resolutions = textsOf(json['resolutions']);
  return {
    name: textOf(json['name']),
    version: textOf(json['version']),
    scripts: textsOf(json['scripts']),
    dependencies: declared.flatMap(([name, spec]) => npmDependency(name, spec, directory)),
    npm: { ...npm, resolutions },
  };
}

/**
 * What an entry of `dependencies` points at: the package of its name, unless it says otherwise. Where a text may
 * mean two things it is both: what is no package of the workspace makes no edge.
 * https://docs.npmjs.com/cli/configuring-npm/package-json#dependencies, https://yarnpkg.com/protocols
 */
function npmDependency(name: string, spec: string, directory: string): DeclaredDependency[] {
  const [, protocol, rest = ''] = /^(?:([a-z]+):)?(.*)$/s.exec(spec) ?? [];
  switch (protocol) {
    case 'file':
    case 'link':
    case 'portal':
      return [inFolder(directory, rest)];
    case 'npm':
      return npmAlias(name, rest);
    case 'workspace':
      return workspaceMember(name, rest, directory);
    default:
      return isRelative(rest) ? [inFolder(directory, rest)] : [{ name }];
  }
}

/** `npm:<name>@<range>`, `npm:<name>`, and Yarn’s `npm:<range>`, which may be a tag. */
function npmAlias(name: string, text: string): DeclaredDependency[] {
  const at = text.indexOf('@', 1);
  if (at > 0 || text.startsWith('@')) return [{ name: at > 0 ? text.slice(0, at) : text }];
  return /^[A-Za-z]/.test(text) ? [{ name: text }, { name }] : [{ name }];
}

/**
 * `workspace:<range>`, `workspace:<name>@<range>`, `workspace:<folder>`: pnpm counts folders from the
 * package, Yarn from the root. https://pnpm.io/workspaces, https://yarnpkg.com/protocol/workspace
 */
function workspaceMember(name: string, text: string, directory: string): DeclaredDependency[] {
  const alias = /^([^._/][^@]*)@/.exec(text)?.[1];
  if (alias !== undefined) return [{ name: alias }];
  if (isRelative(text)) return [inFolder(directory, text)];
  return text.includes('/') ? [inFolder(directory, text), inFolder('', text)] : [{ name }];
}

/** https://doc.rust-lang.org/cargo/reference/specifying-dependencies.html: what has a `path` is in this repository. */
function readCargo(toml: Table, directory: string): Partial<Manifest> {
  const tables = [toml, ...Object.values(asTable(toml['target'])).map(asTable)];
  const groups = tables.flatMap((table) =>
    ['dependencies', 'dev-dependencies', 'build-dependencies'].map((key) => asTable(table[key])),
  );
  const paths = groups.flatMap((group) =>
    Object.values(group).flatMap((spec) => textOf(asTable(spec)['path']) ?? []),
  );
  const inherited = groups.flatMap((group) =>
    Object.entries(group).flatMap(([name, spec]) => (asTable(spec)['workspace'] === true ? [{ name }] : [])),
  );
  const about = asTable(toml['package']);
  return {
    name: textOf(about['name']),
    version: textOf(about['version']),
    dependencies: [...inherited, ...paths.map((path) => inFolder(directory, path))],
  };
}

/** https://go.dev/ref/mod#go-mod-file: `require` by module path, `replace … => ./folder` by folder. */
function readGo(text: string, directory: string): Partial<Manifest> {
  let name: string | undefined;
  const dependencies: DeclaredDependency[] = [];
  for (const [verb, first, ...rest] of goDirectives(text)) {
    const last = rest.at(-1);
    if (verb === 'module') name ??= first;
    else if (verb === 'require' && first !== undefined) dependencies.push({ name: first });
    else if (verb === 'replace' && last !== undefined && isRelative(last))
      dependencies.push(inFolder(directory, last));
  }
  return { name, dependencies };
}

/** Each directive as its words, those of `verb ( … )` with their verb. */
function* goDirectives(text: string): Iterable<string[]> {
  let block: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    const bare = line.replace(/\/\/.*$/, '').trim();
    const opens = /^(\w+)\s*\($/.exec(bare)?.[1];
    if (opens !== undefined) block = [opens];
    else if (bare === ')') block = [];
    else if (bare !== '')
      yield [
        ...block,
        ...(bare.match(/"[^"]*"|`[^`]*`|\S+/g) ?? []).map((word) => word.replaceAll(/["`]/g, '')),
      ];
  }
}

/** What the standards, Poetry and uv know: names, which may be packages of the workspace, and paths. */
function readPython(toml: Table, directory: string): Partial<Manifest> {
  const project = asTable(toml['project']);
  const tool = asTable(toml['tool']);
  const poetry = asTable(tool['poetry']);
  const uv = asTable(tool['uv']);
  // PEP 621, PEP 735, PEP 518; uv's own list is the forerunner of PEP 735.
  const listed = [
    project['dependencies'],
    ...Object.values(asTable(project['optional-dependencies'])),
    ...Object.values(asTable(toml['dependency-groups'])),
    uv['dev-dependencies'],
    asTable(toml['build-system'])['requires'],
  ].flatMap(itemsOf);
  const named = listed.flatMap((spec) => /^[A-Za-z0-9][A-Za-z0-9._-]*/.exec(textOf(spec) ?? '')?.[0] ?? []);
  // https://python-poetry.org/docs/dependency-specification, https://docs.astral.sh/uv/concepts/projects/dependencies:
  // an entry, or several for several platforms. What uv finds in its workspace is in a list above by name.
  const placed = [
    poetry['dependencies'],
    poetry['dev-dependencies'],
    ...Object.values(asTable(poetry['group'])).map((group) => asTable(group)['dependencies']),
    uv['sources'],
  ].flatMap((table) => Object.values(asTable(table)));
  const paths = placed.flat().flatMap((spec) => textOf(asTable(spec)['path']) ?? []);
  return {
    name: textOf(project['name']) ?? textOf(poetry['name']),
    version: textOf(project['version']) ?? textOf(poetry['version']),
    dependencies: [...named.map((name) => ({ name })), ...paths.map((path) => inFolder(directory, path))],
  };
}

function isRelative(path: string): boolean {
  return /^\.{1,2}(\/|$)/.test(path);
}

function inFolder(directory: string, path: string): DeclaredDependency {
  const folder = posix.normalize(posix.join(directory, path.replaceAll('\\', '/'))).replace(/\/$/, '');
  return { directory: folder === '.' ? '' : folder };
}

async function parseToml(text: string): Promise<Table> {
  const { parse } = await import('smol-toml');
  return parse(text);
}

function asTable(value: unknown): Table {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Table) : {};
}

function itemsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function textsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(asTable(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
