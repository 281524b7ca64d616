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
  'package.json': (text) => readNpm(text),
  'Cargo.toml': async (text, directory) => readCargo(await parseToml(text), directory),
  'go.mod': (text, directory) => readGo(text, directory),
  'pyproject.toml': async (text, directory) => readPython(await parseToml(text), directory),
};

function readNpm(text: string): Partial<Manifest> {
  const json = asTable(JSON.parse(text));
  const npm: NpmManifest = {
    dependencies: textsOf(json['dependencies']),
    devDependencies: textsOf(json['devDependencies']),
    optionalDependencies: textsOf(json['optionalDependencies']),
    peerDependencies: textsOf(json['peerDependencies']),
  };
  const names = Object.values(npm).flatMap((group: Record<string, string>) => Object.keys(group));
  const resolutions = textsOf(json['resolutions']);
  return {
    name: textOf(json['name']),
    version: textOf(json['version']),
    scripts: textsOf(json['scripts']),
    dependencies: names.map((name) => ({ name })),
    npm: { ...npm, resolutions },
  };
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
  const lines = text.split(/\r?\n/).map((line) => line.replace(/\/\/.*$/, '').trim());
  const name = lines.map((line) => /^module\s+(\S+)$/.exec(line)?.[1]).find((found) => found !== undefined);
  const dependencies: DeclaredDependency[] = [];
  for (const line of lines) {
    const folder = /=>\s*(\.{1,2}\/\S*)$/.exec(line)?.[1];
    const required = /^(?:require\s+)?([^\s()]+\.[^\s()]+)\s+v\d/.exec(line)?.[1];
    if (folder !== undefined) dependencies.push(inFolder(directory, folder));
    else if (required !== undefined) dependencies.push({ name: required });
  }
  return { name: name?.replaceAll('"', ''), dependencies };
}

/** PEP 621 names, and the `path` sources of Poetry and uv. */
function readPython(toml: Table, directory: string): Partial<Manifest> {
  const project = asTable(toml['project']);
  const tool = asTable(toml['tool']);
  const poetry = asTable(tool['poetry']);
  const listed = Array.isArray(project['dependencies']) ? project['dependencies'].map(String) : [];
  const named = listed.flatMap((spec) => /^[A-Za-z0-9][A-Za-z0-9._-]*/.exec(spec)?.[0] ?? []);
  const sources = { ...asTable(poetry['dependencies']), ...asTable(asTable(tool['uv'])['sources']) };
  const paths = Object.values(sources).flatMap((spec) => textOf(asTable(spec)['path']) ?? []);
  return {
    name: textOf(project['name']) ?? textOf(poetry['name']),
    version: textOf(project['version']) ?? textOf(poetry['version']),
    dependencies: [...named.map((name) => ({ name })), ...paths.map((path) => inFolder(directory, path))],
  };
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

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function textsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(asTable(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
