import { asObjectKey } from '../../object-key.ts';
import type { ListedObject, ListOptions } from '../../store.ts';
import { modifiedAt, type RemoteRow } from './remote-row.ts';

/** The rows of one folder, in any order; `''` is the remote's own. None where there is no such folder. */
export type ListFolder = (folder: string) => Promise<readonly RemoteRow[]>;

/** A row with its path, of a folder with a `/` behind it: as bytes, so that comparing them compares keys. */
interface Place {
  readonly path: string;
  readonly bytes: Buffer;
  readonly row: RemoteRow;
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
  const places = (await listFolder(folder.slice(0, -1))).map((row): Place => {
    const path = folder + row.Name + (row.IsDir ? '/' : '');
    return { path, bytes: Buffer.from(path), row };
  });
  const wanted = places.filter((place) => mayHold(place, bounds));
  for (const { path, row } of wanted.sort((a, b) => Buffer.compare(a.bytes, b.bytes))) {
    if (row.IsDir) {
      yield* walkFolder(listFolder, path, bounds);
      continue;
    }
    const key = asObjectKey(path);
    if (key && row.Size >= 0) yield { key, sizeBytes: row.Size, modifiedAt: modifiedAt(row) };
  }
}

function mayHold({ path, bytes, row }: Place, { prefix, after }: Bounds): boolean {
  const isAfter = !after || Buffer.compare(bytes, after) > 0;
  if (!row.IsDir) return isAfter && startsWith(bytes, prefix);
  if (asObjectKey(path.slice(0, -1)) === undefined) return false;
  const mayHavePrefix = startsWith(bytes, prefix) || startsWith(prefix, bytes);
  return mayHavePrefix && (isAfter || startsWith(after, bytes));
}

function startsWith(bytes: Buffer, beginning: Buffer): boolean {
  return bytes.subarray(0, beginning.length).equals(beginning);
}
