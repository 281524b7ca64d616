import { type ByteRange, resolveByteRange, spanLength } from '../../../base/byte-range.ts';
import type { ObjectKey } from '../../object-key.ts';
import { objectOfBytes } from '../../object-of-bytes.ts';
import type { Got, ObjectFacts } from '../../store.ts';
import { isMissing } from './rclone-failure.ts';
import type { ReadyRemote } from './rclone-remote.ts';
import { factsOf, type RemoteRow } from './remote-row.ts';
import { isReserved } from './upload-names.ts';

/** Types would cost a request for each row on some backends. */
export const LISTED = { noMimeType: true };

/** `undefined` also for a folder, and for what no length is known of. */
export async function look(
  { client, fs, features }: ReadyRemote,
  key: ObjectKey,
  signal: AbortSignal | undefined,
): Promise<ObjectFacts | undefined> {
  if (isReserved(key)) return undefined;
  const { hash, keepsTypes } = features;
  // `filesOnly`: for what is missing rclone would list the whole folder, to see whether it is a folder.
  const asked = { filesOnly: true, noMimeType: !keepsTypes, showHash: hash !== undefined };
  const opt = hash === undefined ? asked : { ...asked, hashTypes: [hash] };
  const { item } = (await client.call('operations/stat', { fs, remote: key, opt }, signal)) as {
    readonly item: RemoteRow | null;
  };
  return item ? factsOf(item, features) : undefined;
}

/** Facts first: so bytes may be newer than their etag, which the next look shows, and are never older, which nothing would. */
export async function readOnce(
  remote: ReadyRemote,
  key: ObjectKey,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
): Promise<Got | 'replaced'> {
  const facts = await look(remote, key, signal);
  if (!facts) return undefined;
  const { sizeBytes } = facts;
  const span = range ? resolveByteRange(range, sizeBytes) : 'whole';
  if (span === undefined) return 'unsatisfiable';
  if (sizeBytes === 0) return objectOfBytes(facts, span, Buffer.alloc(0));
  try {
    const body = await remote.client.open(remote.fs, key, span, signal);
    const expected = span === 'whole' ? sizeBytes : spanLength(span);
    const total = span === 'whole' ? sizeBytes : Number(body.headers['content-range']?.split('/')[1]);
    if (Number(body.headers['content-length']) === expected && total === sizeBytes)
      return { facts, span, body };
    body.destroy();
    return 'replaced';
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** None where there is no such folder. */
export async function listFolder({ client, fs }: ReadyRemote, folder: string): Promise<readonly RemoteRow[]> {
  try {
    const reply = await client.call('operations/list', { fs, remote: folder, opt: LISTED });
    const rows = (reply as { readonly list: readonly RemoteRow[] | null }).list ?? [];
    return folder === '' ? rows.filter(({ Name }) => !isReserved(Name)) : rows;
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
