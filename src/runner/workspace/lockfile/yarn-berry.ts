/**
 * `yarn.lock` of Yarn 2 and later. Workspace packages are entries like all others,
 * with `@workspace:` in their resolution, so no manifest is needed; peers are
 * provided by an ancestor, which is in the closure anyway.
 */
import { opaqueLockfile } from './closure.ts';
import { parseLockYaml } from './lock-yaml.ts';
import type { Lockfile, WorkspaceMember } from './lockfile.ts';
import { entriesOf, firstText, malformed, nameBeforeVersion, recordOf, textsOf } from './shape.ts';
import { type Want, type YarnEntry, type YarnMember, yarnLockfile } from './yarn-graph.ts';

/** Yarn 2.0 wrote 4, Yarn 4.18 writes 10. */
const [OLDEST, NEWEST] = [4, 10];

export function readYarnBerryLockfile(
  file: string,
  text: string,
  workspace: readonly WorkspaceMember[],
): Lockfile {
  const lock = recordOf(parseLockYaml(file, text)[0], file, 'the document');
  const version = Number(recordOf(lock['__metadata'], file, '__metadata')['version']);
  if (!(version >= OLDEST && version <= NEWEST)) return opaqueLockfile(file);

  const entries: YarnEntry[] = [];
  const members = new Map<string, YarnMember>();
  for (const [key, value] of Object.entries(lock)) {
    if (key === '__metadata') continue;
    const { entry, directory, peers } = readEntry(file, key, value);
    entries.push(entry);
    if (directory !== undefined) members.set(directory, { wants: entry.wants, peers });
  }
  const root = workspace.find(({ directory }) => directory === '');
  return yarnLockfile({ file, entries, members, resolutions: root?.manifest.resolutions });
}

interface BerryEntry {
  readonly entry: YarnEntry;
  /** Of a workspace package. */
  readonly directory: string | undefined;
  readonly peers: readonly string[];
}

function readEntry(file: string, key: string, value: unknown): BerryEntry {
  const where = `"${key}"`;
  const facts = recordOf(value, file, where);
  const resolution = firstText(facts['resolution']);
  if (resolution === '') throw malformed(file, `${where} has no resolution`);
  const name = nameBeforeVersion(resolution);
  const reference = resolution.slice(name.length + 1);
  const descriptors = key.split(/ *, */).map(bound);
  const directory = directoryOf(reference);
  const entry: YarnEntry = {
    askedName: nameBeforeVersion(descriptors[0] ?? ''),
    descriptors,
    patches: descriptors.flatMap(patchedDescriptor),
    name,
    id: reference.startsWith('npm:') ? `${name}@${reference.slice('npm:'.length)}` : resolution,
    integrity: firstText(facts['checksum'], resolution),
    wants: readWants(file, where, facts),
    isMember: directory !== undefined,
  };
  const peers = textsOf(facts['peerDependencies'], file, `peerDependencies of ${where}`).map(
    ([peer]) => peer,
  );
  return { entry, directory, peers };
}

function readWants(file: string, where: string, facts: Readonly<Record<string, unknown>>): readonly Want[] {
  const optional = new Set(
    entriesOf(facts['dependenciesMeta'], file, `dependenciesMeta of ${where}`)
      .filter(([, meta]) => recordOf(meta, file, `dependenciesMeta of ${where}`)['optional'] === 'true')
      .map(([name]) => name),
  );
  return textsOf(facts['dependencies'], file, `dependencies of ${where}`).map(([name, range]) => ({
    name,
    descriptor: bound(`${name}@${range}`),
    optional: optional.has(name),
  }));
}

function directoryOf(reference: string): string | undefined {
  if (!reference.startsWith('workspace:')) return undefined;
  const directory = reference.slice('workspace:'.length);
  return directory === '.' ? '' : directory;
}

/** Yarn 2 and 3 leave out the `npm:` of a plain range, but not everywhere. */
function bound(descriptor: string): string {
  const name = nameBeforeVersion(descriptor);
  const range = descriptor.slice(name.length + 1);
  return range.includes(':') ? descriptor : `${name}@npm:${range}`;
}

/** `ms@patch:ms@npm%3A2.0.0#~/ms.patch` → `ms@npm:2.0.0`: asked for as the latter, by Yarn turned into the former. */
function patchedDescriptor(descriptor: string): readonly string[] {
  const source = /^.[^@]*@patch:([^#]*)#/.exec(descriptor)?.[1];
  return source === undefined ? [] : [bound(source.replace(/%[0-7][0-9a-f]/gi, decodeURIComponent))];
}
