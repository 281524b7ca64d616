import { readlinkSync, realpathSync } from 'node:fs';
import { isAbsolute, join, posix, sep } from 'node:path';
import { VelocityError } from '../../base/errors.ts';
import { statsOf } from '../stats-of.ts';
import type { OutputRecord } from './manifest.ts';

/** A chain of links longer than this goes round. Linux gives up at 40 too. */
const MAX_LINKS = 40;
/** Linux takes no longer ones. */
const MAX_PATH_LENGTH = 4096;

/**
 * Holds an artifact's entries to what may be restored, before anything is written. They must
 * lie below the package's folder under plain names, each once, never below a link of the same
 * artifact; links must lead to places inside the workspace, however many links they lead through.
 * @throws VelocityError `ARTIFACT_REFUSED` that names the entry
 */
export function assertRestorable(
  records: readonly OutputRecord[],
  folder: string,
  workspaceRoot: string,
): void {
  const kinds = new Map<string, OutputRecord['kind']>();
  for (const { path, kind } of records) {
    const refusal = nameRefusal(path);
    if (refusal !== undefined) throw refused(path, refusal);
    if (kinds.has(path)) throw refused(path, 'appears twice');
    kinds.set(path, kind);
  }
  const folders = new Set(['.']);
  for (const { path } of records) {
    for (let parent = posix.dirname(path); !folders.has(parent); parent = posix.dirname(parent)) {
      const kind = kinds.get(parent);
      if (kind === 'link') throw refused(path, `lies below the link ${parent}`);
      if (kind !== undefined) throw refused(path, `lies below ${parent}, which is no folder`);
      folders.add(parent);
    }
  }
  assertLinksInside(records, folder, workspaceRoot);
}

/** @throws VelocityError `ARTIFACT_REFUSED` for a link that leads out of the workspace, as the disk is now */
export function assertLinksInside(
  records: readonly OutputRecord[],
  folder: string,
  workspaceRoot: string,
): void {
  const links = records.filter((record) => record.kind === 'link');
  const places = linkPlaces(links, folder);
  for (const { path, target } of links) {
    const refusal = linkRefusal(path, target, places, folder, workspaceRoot);
    if (refusal !== undefined) throw refused(path, refusal);
  }
}

/** Where links will really be, whatever links on the disk lead there, with their targets. */
export function linkPlaces(
  links: Iterable<{ readonly path: string; readonly target: string }>,
  folder: string,
): ReadonlyMap<string, string> {
  const places = new Map<string, string>();
  for (const { path, target } of links)
    places.set(join(realFolder(join(folder, posix.dirname(path))), posix.basename(path)), target);
  return places;
}

/** Why a path cannot be an output's, as the end of a sentence. */
export function nameRefusal(path: string): string | undefined {
  if (path === '' || path.startsWith('/') || /^[A-Za-z]:/.test(path))
    return 'is not a path below the package';
  if (path.includes('\\') || path.includes('\0')) return 'holds a backslash or a NUL';
  if (path.length > MAX_PATH_LENGTH) return 'is longer than a path can be';
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    return 'has a part that is empty, "." or ".."';
  if (parts.some((part) => part === '.git' || part === '.velocity'))
    return 'lies in a folder that is no task’s to write';
  return undefined;
}

/**
 * Why a link may not be made, as the end of a sentence. Its target is followed as the system
 * would follow it, through the artifact's own links and those on the disk.
 * @param links of the same artifact, from `linkPlaces`
 */
export function linkRefusal(
  path: string,
  target: string,
  links: ReadonlyMap<string, string>,
  folder: string,
  workspaceRoot: string,
): string | undefined {
  if (target === '' || target.includes('\0')) return 'is a link to nothing';
  if (isAbsolute(target) || /^[A-Za-z]:/.test(target) || target.includes('\\'))
    return 'is a link to an absolute path';

  let at = realFolder(join(folder, posix.dirname(path)));
  let steps = target.split('/');
  let followed = 0;
  while (steps.length > 0) {
    const [step = '', ...rest] = steps;
    steps = rest;
    if (step === '' || step === '.') continue;
    at = join(at, step);
    if (!isInside(at, workspaceRoot)) return `is a link that leads out of the workspace (${target})`;
    const next = links.get(at) ?? linkOnDisk(at);
    if (next === undefined) continue;
    if (++followed > MAX_LINKS) return 'is a link that goes round in a circle';
    if (isAbsolute(next)) at = sep;
    else at = join(at, '..');
    steps = [...next.split('/'), ...steps];
  }
  return undefined;
}

/**
 * Makes sure a folder that is to be written in is inside the workspace, whatever links lead to it.
 * @param parent from the package's folder; the part of it that exists is looked at
 * @throws VelocityError `ARTIFACT_REFUSED`
 */
export function assertFolderInside(parent: string, folder: string, workspaceRoot: string): void {
  const real = realFolder(join(folder, parent));
  if (!isInside(real, workspaceRoot)) throw refused(parent, `is a folder outside the workspace (${real})`);
}

function refused(path: string, why: string): VelocityError {
  return new VelocityError(
    'ARTIFACT_REFUSED',
    `The artifact was refused, nothing was written: "${path}" ${why}.`,
  );
}

/** The real place of a folder, of which the last parts may not exist yet. */
function realFolder(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = join(path, '..');
    return parent === path ? path : join(realFolder(parent), path.slice(parent.length));
  }
}

function isInside(path: string, root: string): boolean {
  return path === root || path.startsWith(root + sep);
}

function linkOnDisk(path: string): string | undefined {
  return statsOf(path)?.isSymbolicLink() ? readlinkSync(path) : undefined;
}
