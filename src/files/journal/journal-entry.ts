import type { Digest } from '../../base/digest.ts';
import type { FilePath } from '../file-path.ts';

/** What can happen to a path. `gap`: something happened that nobody wrote down, and this says so. */
export const JOURNAL_OPS = [
  'create',
  'write',
  'append',
  'patch',
  'restore',
  'copied_to',
  'moved_from',
  'moved_to',
  'delete',
  'prune',
  'mkdir',
  'dir_deleted',
  'dir_moved_from',
  'dir_moved_to',
  'gap',
] as const;
export type JournalOp = (typeof JOURNAL_OPS)[number];

/** The bytes of a file at a moment. */
export interface Content {
  readonly sha256: Digest;
  readonly sizeBytes: number;
}

export interface EntryDraft {
  readonly op: JournalOp;
  readonly path: FilePath;
  /** What was there; `undefined`: nothing, a folder, or bytes that nobody has measured. */
  readonly before?: Content | undefined;
  /** What is there now; `undefined`: nothing, or a folder. */
  readonly after?: Content | undefined;
  /** Where it was moved or copied from or to. */
  readonly other?: FilePath | undefined;
  /** The id of the token that asked for it. */
  readonly by?: string | undefined;
  /** In words, where the op alone does not say it. */
  readonly reason?: string | undefined;
  /** The temporary file that becomes the path once this is written down: what is left of it after a crash is put in its place. */
  readonly temp?: string | undefined;
}

export interface JournalEntry extends EntryDraft {
  /** Of all entries; rises by one or more from each to the next. */
  readonly id: number;
  /** The revision: of this path alone, from 1 on. */
  readonly seq: number;
  /** Milliseconds since the epoch; never less than that of the entry before. */
  readonly ts: number;
}
