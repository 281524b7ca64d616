import type { ServerResponse } from 'node:http';
import type { FilePath } from '../../files/file-path.ts';
import type { Files } from '../../files/files.ts';
import type { Journal } from '../../files/journal/journal.ts';
import type { JournalEntry } from '../../files/journal/journal-entry.ts';
import { answerJson } from '../../http/json.ts';
import { entryJson } from './entry-json.ts';
import { missing } from './missing.ts';
import type { ReadQuery } from './read-query.ts';

/** Answers `?history`: what happened to a path, oldest first, a page at a time. */
export function answerHistory(
  response: ServerResponse,
  path: FilePath,
  { afterSeq, afterId, limit }: Extract<ReadQuery, { kind: 'history' }>,
  files: Files,
): void {
  const { journal } = files;
  const head = journal.head(path);
  if (!head) throw missing(files, path, response);
  const after = afterId === undefined ? afterSeq : seqAt(journal, path, head.seq, afterId);
  const found = journal.history(path, { afterSeq: after, limit: limit + 1 });
  answerJson(response, 200, { path, ...pageJson('revisions', found, limit) });
}

/** @param found one more than is shown, where there are more */
export function pageJson(name: string, found: readonly JournalEntry[], limit: number): object {
  const shown = found.slice(0, limit);
  const last = shown.at(-1);
  return {
    count: shown.length,
    [name]: shown.map(entryJson),
    has_more: found.length > limit,
    ...(last && { next_after_id: last.id }),
  };
}

/** The newest revision of a path whose id is not above this one; 0: there is none. Ids rise with the revisions. */
function seqAt(journal: Journal, path: FilePath, newest: number, id: number): number {
  let [low, high] = [0, newest];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    const entry = journal.revision(path, middle);
    if (entry === undefined || entry === 'pruned' || entry.id <= id) low = middle;
    else high = middle - 1;
  }
  return low;
}
