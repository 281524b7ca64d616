/** `yarn.lock` of Yarn 1. It holds no manifests: what a workspace package asks for is read from its own. */

import type { Lockfile, MemberManifest, Ranges, WorkspaceMember } from './lockfile.ts';
import { firstText, nameBeforeVersion } from './shape.ts';
import { parseClassicText } from './yarn-classic-text.ts';
import { type Want, type YarnEntry, type YarnMember, yarnLockfile } from './yarn-graph.ts';

export function readYarnClassicLockfile(
  file: string,
  text: string,
  workspace: readonly WorkspaceMember[],
): Lockfile {
  const entries = parseClassicText(file, text).map(({ patterns, fields, blocks }): YarnEntry => {
    const [first = ''] = patterns;
    const name = publishedName(first);
    return {
      askedName: nameBeforeVersion(first),
      descriptors: patterns,
      patches: [],
      name,
      id: `${name}@${fields.get('version') ?? ''}`,
      integrity: firstText(fields.get('integrity'), fields.get('resolved')),
      wants: [
        ...wantsOf(blocks.get('dependencies'), false),
        ...wantsOf(blocks.get('optionalDependencies'), true),
      ],
      isMember: false,
    };
  });
  return yarnLockfile({
    file,
    entries: [...entries, ...workspace.map(memberEntry)],
    members: new Map(workspace.map(({ directory, manifest }) => [directory, memberOf(manifest)])),
    resolutions: workspace.find(({ directory }) => directory === '')?.manifest.resolutions,
  });
}

/** Yarn does not list workspace packages; a name without a listed descriptor is then found here. */
function memberEntry({ name }: WorkspaceMember): YarnEntry {
  const nothing = { descriptors: [], patches: [], wants: [] };
  return { ...nothing, askedName: name, name, id: name, integrity: '', isMember: true };
}

function memberOf(manifest: MemberManifest): YarnMember {
  const { dependencies, devDependencies, optionalDependencies, peerDependencies } = manifest;
  return {
    wants: [
      ...wantsOf(rangesOf(dependencies), false),
      ...wantsOf(rangesOf(devDependencies), false),
      ...wantsOf(rangesOf(optionalDependencies), true),
    ],
    peers: Object.keys(peerDependencies ?? {}),
  };
}

function rangesOf(ranges: Ranges): ReadonlyMap<string, string> {
  return new Map(Object.entries(ranges ?? {}));
}

function wantsOf(ranges: ReadonlyMap<string, string> | undefined, optional: boolean): readonly Want[] {
  return [...(ranges ?? [])].map(([name, range]) => ({ name, descriptor: `${name}@${range}`, optional }));
}

/** `old-ms@npm:ms@1.0.0` is `ms`. */
function publishedName(pattern: string): string {
  const asked = nameBeforeVersion(pattern);
  const range = pattern.slice(asked.length + 1);
  return range.startsWith('npm:') ? nameBeforeVersion(range.slice('npm:'.length)) : asked;
}
