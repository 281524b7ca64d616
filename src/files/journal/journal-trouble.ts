import { codeOrName, VelocityError } from '../../base/errors.ts';

/**
 * What goes wrong with a journal and may come of nobody's request.
 *
 * `write-failed`, `sync-failed`: the disk refused, and nothing is journaled until it does not · `torn`: the last line of a
 * file was not finished · `bad-lines`: lines that are damaged, or out of order · `index-removed`: it was damaged or
 * foreign, or is no longer that of the files, and is made anew · `index-failed`: it cannot be written · `remove-failed`: a
 * file that was pruned is still there.
 */
export type JournalTroubleKind =
  | 'write-failed'
  | 'sync-failed'
  | 'torn'
  | 'bad-lines'
  | 'index-removed'
  | 'index-failed'
  | 'remove-failed';

export type OnJournalTrouble = (kind: JournalTroubleKind, error?: unknown) => void;

export function unavailable(what: string, cause: unknown): VelocityError {
  return new VelocityError('JOURNAL_UNAVAILABLE', `The journal of files ${what}: ${codeOrName(cause)}.`, {
    cause,
  });
}

/** An error of ours says it already. */
export function asUnavailable(what: string, error: unknown): VelocityError {
  return error instanceof VelocityError ? error : unavailable(what, error);
}
