import type { ServerResponse } from 'node:http';
import { setImmediate as turnOver } from 'node:timers/promises';
import type { LostLine } from '../../../wire/proxy-admin.ts';
import type { Transaction } from '../transaction.ts';
import { countParameter, flagParameter, onlyParameters } from './query.ts';
import type { TransactionLog } from './transaction-log.ts';

/** How many lines are made at a time: requests are answered in between. */
const LINES_AT_A_TIME = 200;

/**
 * Answers `GET /transactions?follow=1&last=100` with a line of JSON each. Without `follow` it ends with what is kept,
 * all of it where `last` does not say how much. A reader that does not read holds up nobody but itself.
 * @param ending aborted when the socket is closed
 * @throws VelocityError `BAD_REQUEST`, before anything was answered
 */
export async function streamTransactions(
  log: TransactionLog,
  query: URLSearchParams,
  response: ServerResponse,
  ending: AbortSignal,
): Promise<void> {
  onlyParameters(query, ['follow', 'last']);
  const follows = flagParameter(query, 'follow');
  const last = countParameter(query, 'last') ?? (follows ? 0 : Number.POSITIVE_INFINITY);
  // In one turn, so that between what was and what comes nothing is missing and nothing is told twice.
  const kept = log.last(last);
  const feed = follows ? log.follow() : undefined;
  const onEnding = (): void => {
    feed?.close();
    if (response.writableNeedDrain) response.destroy(); // nobody reads: its end would never come
  };
  ending.addEventListener('abort', onEnding);
  response.once('close', () => {
    feed?.close();
    ending.removeEventListener('abort', onEnding);
  });
  response.writeHead(200, ['content-type', 'application/x-ndjson']);
  response.flushHeaders();
  await sendLines(response, kept, ending);
  for (let batch = await feed?.take(); batch && !response.destroyed; batch = await feed?.take()) {
    await sendLines(response, batch.transactions, ending);
    if (batch.lost > 0) await send(response, lineOf({ lost: batch.lost }), ending);
  }
  response.end();
}

async function sendLines(
  response: ServerResponse,
  transactions: readonly Transaction[],
  ending: AbortSignal,
): Promise<void> {
  for (let from = 0; from < transactions.length && !response.destroyed; from += LINES_AT_A_TIME) {
    if (from > 0) await turnOver();
    const lines = transactions.slice(from, from + LINES_AT_A_TIME).map(lineOf);
    await send(response, lines.join(''), ending);
  }
}

/** Resolves when the response takes more, or is over. */
async function send(response: ServerResponse, text: string, ending: AbortSignal): Promise<void> {
  if (response.destroyed || response.write(text)) return;
  if (ending.aborted) {
    response.destroy();
    return;
  }
  await new Promise<void>((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

function lineOf(line: Transaction | LostLine): string {
  return `${JSON.stringify(line)}\n`;
}
