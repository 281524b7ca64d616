import { asObjectKey } from '../../object-key.ts';
import type { ListedObject, ListOptions } from '../../store.ts';
import { modifiedAt, type ObjectItem } from './object-item.ts';

/** The rows of one folder, in any order; `''` is the remote's own. None where there is no such folder. */
export type ListFolder = (folder: string) => Promise<readonly ObjectItem[]>;

/** A row with its path, of a folder with a `/` behind it: as bytes, so that comparing them compares keys. */
interface Row {
  readonly path: string;
  readonly bytes: Buffer;
  readonly item: ObjectItem;
}

/**
 * The objects of a remote in the byte order of their keys: a folder at a time, for what rclone lists it keeps in memory,
 * and we do. Folders that can hold nothing wanted are not opened.
 */
export async function* walkRemote(
  listFolder: ListFolder,
  { prefix, after }: ListOptions,
): AsyncIterable<ListedObject> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if (folder !== '' && asObjectKey(folder.slice(0, -1)) === undefined) return;
  yield* walkFolder(listFolder, folder, { prefix: Buffer.from(prefix), after: after && Buffer.from(after) });
}

interface Bounds {
  readonly prefix: Buffer;
  readonly after: Buffer | '' | undefined;
}

async function* walkFolder(
  listFolder: ListFolder,
  folder: string,
  bounds: Bounds,
): AsyncIterable<ListedObject> {
  const rows = (await listFolder(folder.slice(0, -1))).map((item): Row => {
    const path = folder + item.Name + (item.IsDir ? '/' : '');
    return { path, bytes: Buffer.from(path), item };
  });
  const wanted = rows.filter((row) => mayHold(row, bounds));
  for (const { path, item } of wanted.sort((a, b) => Buffer.compare(a.bytes, b.bytes))) {
    if (item.IsDir) {
      yield* walkFolder(listFolder, path, bounds);
      continue;
    }
    const key = asObjectKey(path);
    if (key && item.Size >= 0) yield { key, sizeBytes: item.Size, modifiedAt: modifiedAt(item) };
  }
}

function mayHold({ path, bytes, item }: Row, { prefix, after }: Bounds): boolean {
  const isAfter = !after || Buffer.compare(bytes, after) > 0;
  if (!item.IsDir) return isAfter && startsWith(bytes, prefix);
  if (asObjectKey(path.slice(0, -1)) === undefined) return false;
  const mayHavePrefix = startsWith(bytes, prefix) || startsWith(prefix, bytes);
  return mayHavePrefix && (isAfter || startsWith(after, bytes));
}

function startsWith(bytes: Buffer, beginning: Buffer): boolean {
  return bytes.subarray(0, beginning.length).equals(beginning);
}
