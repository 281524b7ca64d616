import { lstatSync, readlinkSync, realpathSync } from 'node:fs';
import { isAbsolute, join, posix, sep } from 'node:path';
import { VelocityError } from '../../base/errors.ts';
import type { OutputRecord } from './manifest.ts';

/** A chain of links longer than this goes round. Linux gives up at 40 too. */
const MAX_LINKS = 40;

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
  const links = new Map<string, string>();
  const seen = new Set<string>();
  for (const record of records) {
    const refusal = nameRefusal(record.path);
    if (refusal !== undefined) throw refused(record.path, refusal);
    if (seen.has(record.path)) throw refused(record.path, 'appears twice');
    seen.add(record.path);
    if (record.kind === 'link') links.set(record.path, record.target);
  }
  for (const { path } of records) {
    for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent)) {
      if (links.has(parent)) throw refused(path, `lies below the link ${parent}`);
      if (seen.has(parent) && !links.has(parent))
        throw refused(path, `lies below ${parent}, which is no folder`);
    }
  }
  for (const [path, target] of links) {
    const refusal = linkRefusal(path, target, links, folder, workspaceRoot);
    if (refusal !== undefined) throw refused(path, refusal);
  }
}

/** Why a path cannot be an output's, as the end of a sentence. */
export function nameRefusal(path: string): string | undefined {
  if (path === '' || path.startsWith('/') || /^[A-Za-z]:/.test(path))
    return 'is not a path below the package';
  if (path.includes('\\') || path.includes('\0')) return 'holds a backslash or a NUL';
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
    const next = links.get(insideFolder(at, folder) ?? '') ?? linkOnDisk(at);
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

function insideFolder(path: string, folder: string): string | undefined {
  return path.startsWith(folder + sep) ? path.slice(folder.length + 1) : undefined;
}

function linkOnDisk(path: string): string | undefined {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : undefined;
}
