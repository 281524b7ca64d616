import type { ServerResponse } from 'node:http';
import type { FilePath } from '../../files/file-path.ts';
import type { Files } from '../../files/files.ts';
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
  if (!journal.head(path)) throw missing(files, path, response);
  const found = journal.history(path, { afterSeq, afterId, limit: limit + 1 });
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
