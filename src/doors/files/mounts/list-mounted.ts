import type { BucketObjects } from '../../../buckets/bucket-objects.ts';
import type { ListedEntry } from '../listing.ts';
import type { MountedPath } from './mount.ts';
import type { MountTable } from './mount-table.ts';
import { bucketOf, prefixOf } from './mounted-object.ts';

/** So many objects of one folder are passed over one by one, which is a page or two; then the listing goes on behind it. */
const PASSED_ONE_BY_ONE = 2000;
/** Comes after all that follows a folder's slash, but for what nobody has a key for. */
const LAST_CHARACTER = '\u{10fffd}';

/**
 * What lies in a folder on a mount: its files, folders that files lie in, and other mounts. Stores list every object below
 * a prefix, so that a folder's entry may cost some pages of what is in it, and no more.
 * @returns nothing for a folder that is not there
 */
export async function* listMounted(
  at: MountedPath,
  objects: BucketObjects,
  mounts: MountTable,
): AsyncIterable<ListedEntry> {
  const taken = new Set<string>(); // a mount is what is at its path, whatever else is there
  for (const { name, modifiedAt } of mounts.mountsBelow(at.path)) {
    taken.add(name);
    yield { name, type: 'folder', modifiedAt };
  }
  const bucket = bucketOf(at.mount);
  const prefix = prefixOf(at);
  const passed = new Set<string>();
  let after: string | undefined;
  for (let isOver = false; !isOver; ) {
    isOver = true;
    let folder: { readonly name: string; modifiedAt: number; objects: number } | undefined;
    for await (const { key, sizeBytes, modifiedAt } of objects.list(bucket, { prefix, after })) {
      const rest = key.slice(prefix.length);
      const slash = rest.indexOf('/');
      const name = slash < 0 ? rest : rest.slice(0, slash);
      if (folder && (slash < 0 || folder.name !== name)) {
        if (!taken.has(folder.name)) yield folderEntry(folder);
        folder = undefined;
      }
      if (slash < 0) {
        if (!taken.has(name)) yield { name, type: 'file', sizeBytes, modifiedAt };
        continue;
      }
      if (passed.has(name)) continue;
      folder ??= { name, modifiedAt, objects: 0 };
      folder.objects++;
      folder.modifiedAt = Math.max(folder.modifiedAt, modifiedAt);
      if (folder.objects < PASSED_ONE_BY_ONE) continue;
      passed.add(name);
      after = `${prefix}${name}/${LAST_CHARACTER}`;
      isOver = false;
      break;
    }
    if (folder && !taken.has(folder.name)) yield folderEntry(folder);
  }
}

/** Whether there is such a folder: a mount is one, whatever is in it, and all else where something is in it. */
export async function isFolder(
  at: MountedPath,
  objects: BucketObjects,
  mounts: MountTable,
): Promise<boolean> {
  bucketOf(at.mount);
  if (at.key === undefined) return true;
  for await (const _ of listMounted(at, objects, mounts)) return true;
  return false;
}

function folderEntry({
  name,
  modifiedAt,
}: {
  readonly name: string;
  readonly modifiedAt: number;
}): ListedEntry {
  return { name, type: 'folder', modifiedAt };
}
