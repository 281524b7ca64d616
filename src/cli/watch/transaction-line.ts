import { formatByteSize } from '../../base/byte-size.ts';
import type { Transaction } from '../../wire/transaction.ts';
import type { Palette } from '../reporters/palette.ts';
import { formatLatency } from './format-latency.ts';
import { visibleText } from './visible-text.ts';

const OUTCOME_WIDTH = 'intercepted'.length;
const STATUS_WIDTH = 'aborted'.length;

/**
 * A transaction in a line: when it began, outcome, status, method, URL, bytes, time, that of the backend, client, why.
 * What clients made up cannot move the cursor.
 */
export function transactionLine(transaction: Transaction, palette: Palette): string {
  const { startedAt, outcome, status, method, sentBytes, totalMs, client, detail } = transaction;
  const parts = [
    new Date(startedAt).toISOString(),
    palette.paint(STYLES[outcome], outcome.padEnd(OUTCOME_WIDTH)),
    palette.paint(statusStyle(status), String(status).padEnd(STATUS_WIDTH)),
    visibleText(method),
    visibleText(urlOf(transaction)),
    formatByteSize(sentBytes),
    formatLatency(totalMs),
    ...backendOf(transaction),
    visibleText(client),
    ...(detail === undefined ? [] : [visibleText(detail)]),
  ];
  return parts.join('  ');
}

/** Without a scheme, which makes no difference to what is asked for. */
export function urlOf({ host, target }: Transaction): string {
  return target.startsWith('/') ? host + target : target;
}

function backendOf({ backend, backendMs }: Transaction): string[] {
  if (backend === undefined) return [];
  return [`${visibleText(backend)} ${backendMs === undefined ? '-' : formatLatency(backendMs)}`];
}

const STYLES = {
  hit: 'green',
  stale: 'green',
  validated: 'cyan',
  joined: 'cyan',
  miss: 'yellow',
  pass: 'yellow',
  intercepted: 'yellow',
  synthetic: 'gray',
  refused: 'magenta',
  failed: 'red',
  tunnel: 'gray',
} as const;

function statusStyle(status: Transaction['status']): 'red' | 'yellow' | 'gray' {
  if (status === 'aborted' || status >= 500) return 'red';
  return status >= 400 ? 'yellow' : 'gray';
}
