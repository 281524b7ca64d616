import type { Command } from 'commander';
import { VelocityError } from '../../base/errors.ts';
import { didYouMean } from '../../base/suggest.ts';
import { isOutcome, OUTCOMES, type Transaction } from '../../wire/transaction.ts';
import { globMatches } from './glob.ts';

export interface FilterFlags {
  readonly outcome?: string;
  readonly status?: string;
  readonly method?: string;
  readonly path?: string;
}

type Matches = (transaction: Transaction) => boolean;

export function addFilterOptions(command: Command): void {
  command
    .option('--outcome <names>', `only these, such as miss,pass; of ${OUTCOMES.join(', ')}`)
    .option('--status <codes>', 'only these, such as 404,5xx,aborted')
    .option('--method <names>', 'only these, such as GET,HEAD')
    .option('--path <glob>', 'only paths like this, where * is any text; with a ? in it, of path and query');
}

/**
 * Says which transactions are wanted: those that each of the given flags lets pass.
 * @throws VelocityError `USAGE`
 */
export function transactionFilter({ outcome, status, method, path }: FilterFlags): Matches {
  const outcomes = outcome?.split(',');
  for (const name of outcomes ?? [])
    if (!isOutcome(name))
      throw new VelocityError(
        'USAGE',
        `--outcome: there is no outcome "${name}"${didYouMean(name, OUTCOMES)}.`,
      );
  const statuses = status?.toLowerCase().split(',');
  for (const code of statuses ?? [])
    if (!/^(?:[1-9](?:\d\d|xx)|aborted)$/.test(code))
      throw new VelocityError(
        'USAGE',
        `--status: expected codes such as 404, 5xx or aborted, found "${code}".`,
      );
  const methods = method?.toUpperCase().split(',');
  return (transaction) =>
    (outcomes?.includes(transaction.outcome) ?? true) &&
    (methods?.includes(transaction.method) ?? true) &&
    (statuses?.some((code) => isStatus(transaction.status, code)) ?? true) &&
    (path === undefined || isPath(transaction.target, path));
}

function isStatus(status: Transaction['status'], code: string): boolean {
  const text = String(status);
  return text === code || (code.endsWith('xx') && text.length === 3 && text[0] === code[0]);
}

function isPath(target: string, glob: string): boolean {
  return globMatches(glob, glob.includes('?') ? target : (target.split('?', 1)[0] ?? ''));
}
