import type { JournalEntry } from '../../files/journal/journal-entry.ts';

/** An entry of the journal as clients see it. Times are in milliseconds since the epoch. */
export interface EntryJson {
  readonly id: number;
  /** The revision: of the path alone. */
  readonly seq: number;
  readonly ts: number;
  /** The same as RFC 3339. */
  readonly time: string;
  readonly op: string;
  readonly path: string;
  /** SHA-256; absent where there was nothing, or nobody knows. */
  readonly before?: string;
  readonly after?: string;
  readonly size_before?: number;
  readonly size_after?: number;
  /** Where it was moved or copied from or to. */
  readonly other?: string;
  /** The id of a token. */
  readonly by?: string;
  readonly reason?: string;
}

export function entryJson({
  id,
  seq,
  ts,
  op,
  path,
  before,
  after,
  other,
  by,
  reason,
}: JournalEntry): EntryJson {
  return {
    ...{ id, seq, ts, time: new Date(ts).toISOString(), op, path },
    ...(before && { before: before.sha256, size_before: before.sizeBytes }),
    ...(after && { after: after.sha256, size_after: after.sizeBytes }),
    ...(other !== undefined && { other }),
    ...(by !== undefined && { by }),
    ...(reason !== undefined && { reason }),
  };
}
