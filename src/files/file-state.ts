import type { FilePath } from './file-path.ts';
import type { Found } from './folder.ts';
import type { Journal } from './journal/journal.ts';
import type { Content, JournalEntry } from './journal/journal-entry.ts';

/** What a file is now: as the disk has it, and what is known of how it came there. */
export interface FileState {
  readonly path: FilePath;
  readonly found: Found;
  /** The entry that made the file as it is; `undefined`: somebody else changed it since. */
  readonly entry: JournalEntry | undefined;
  /** Its bytes, where they are known. */
  readonly content: Content | undefined;
  /** Without quotes; another one where the bytes are others. */
  readonly etag: string;
}

/**
 * The server gives each file that it writes the time of its entry. A file of another time, or size, is not the one that was
 * written: it is served as it is, and its bytes are not said to be those that the journal knows.
 */
export function fileState(
  journal: Journal,
  path: FilePath,
  found: Found,
  head = journal.head(path),
): FileState {
  const entry = madeBy(journal, head, found);
  const content = entry?.after;
  return { path, found, entry, content, etag: content?.sha256 ?? outsideTag(found) };
}

/**
 * The entry of a file's bytes. While a change is under way it is written down and not done yet: what is there is what the
 * entry before it has made.
 */
function madeBy(journal: Journal, head: JournalEntry | undefined, found: Found): JournalEntry | undefined {
  if (!head || isMadeBy(head, found)) return head;
  const before = head.seq > 1 ? journal.revision(head.path, head.seq - 1) : undefined;
  return before !== undefined && before !== 'pruned' && isMadeBy(before, found) ? before : undefined;
}

/** Whether a file looks as an entry has left it. */
export function isMadeBy({ after, ts }: JournalEntry, { sizeBytes, modifiedAt }: Found): boolean {
  return after?.sizeBytes === sizeBytes && ts === modifiedAt;
}

/** Of a file whose bytes nobody measured: its size, and its time to the millisecond. */
function outsideTag({ sizeBytes, modifiedAt }: Found): string {
  return `${modifiedAt.toString(36)}-${sizeBytes.toString(36)}`;
}
