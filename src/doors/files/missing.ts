import type { ServerResponse } from 'node:http';
import { VelocityError } from '../../base/errors.ts';
import type { FilePath } from '../../files/file-path.ts';
import type { NoPast } from '../../files/file-reader.ts';
import { notToBeHad } from '../../files/file-reader.ts';
import type { Files } from '../../files/files.ts';

const GONE: ReadonlySet<string> = new Set(['delete', 'prune', 'moved_from', 'dir_deleted', 'dir_moved_from']);

/** A 404; where the journal knows since when there is nothing, that is said with it. */
export function missing(files: Files, path: FilePath, response: ServerResponse): VelocityError {
  const head = files.journal.head(path);
  if (head && GONE.has(head.op)) sayDeleted(response, head.ts);
  return new VelocityError('NOT_FOUND', `There is no file ${path}.`);
}

/** Likewise of the past. */
export function missingThen(past: NoPast, response: ServerResponse): VelocityError {
  if (past.kind === 'deleted') sayDeleted(response, past.since);
  return notToBeHad(past);
}

function sayDeleted(response: ServerResponse, ts: number): void {
  response.setHeader('x-deleted-at', new Date(ts).toISOString());
}
