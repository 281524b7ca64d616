import { digestOf } from '../../src/base/digest.ts';
import type { FilePath } from '../../src/files/file-path.ts';
import { openFileJournal } from '../../src/files/journal/file-journal.ts';
import type { Journal } from '../../src/files/journal/journal.ts';
import type { JournalCalls } from '../../src/files/journal/journal-calls.ts';
import type { Content, EntryDraft, JournalOp } from '../../src/files/journal/journal-entry.ts';
import { ManualClock } from './manual-clock.ts';

/** A journal with what it tells on the side. */
export interface OpenedJournal extends AsyncDisposable {
  readonly journal: Journal;
  readonly clock: ManualClock;
  /** Kinds, in the order they came. */
  readonly troubles: string[];
}

export async function openJournal(
  folder: string,
  options: { readonly clock?: ManualClock; readonly calls?: JournalCalls } = {},
): Promise<OpenedJournal> {
  const { clock = new ManualClock() } = options;
  const troubles: string[] = [];
  const onTrouble = (kind: string): void => {
    troubles.push(kind);
  };
  const journal = await openFileJournal({ folder, onTrouble, ...options, clock });
  return { journal, clock, troubles, [Symbol.asyncDispose]: () => journal.close() };
}

export function contentOf(text: string): Content {
  return { sha256: digestOf(text), sizeBytes: Buffer.byteLength(text) };
}

/** @param text what is in the file then; without it nothing is there */
export function draftOf(path: string, text?: string, op?: JournalOp): EntryDraft {
  if (text === undefined) return { op: op ?? 'delete', path: path as FilePath };
  return { op: op ?? 'write', path: path as FilePath, after: contentOf(text) };
}
