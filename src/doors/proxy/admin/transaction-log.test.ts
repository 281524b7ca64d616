import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { transaction } from '../../../../test/rig/transactions.ts';
import { OUTCOMES, type Transaction } from '../../../wire/transaction.ts';
import { LATENCY_BOUNDS } from './latency-buckets.ts';
import { TransactionLog } from './transaction-log.ts';

function openLog(options: { capacity?: number; feedLimit?: number } = {}) {
  const clock = new ManualClock();
  return { clock, log: new TransactionLog({ clock, ...options }) };
}

function addTargets(log: TransactionLog, ...targets: readonly string[]): void {
  for (const target of targets) log.add(transaction({ target }));
}

const targetsOf = (transactions: readonly { target: string }[] = []): string[] =>
  transactions.map(({ target }) => target);

describe('the log of transactions', () => {
  test('keeps the last ones, the oldest first, and gives as many as are asked for', () => {
    const { log } = openLog({ capacity: 3 });
    assert.deepEqual(log.last(10), []);
    addTargets(log, '/1', '/2');
    assert.deepEqual(targetsOf(log.last(10)), ['/1', '/2']);
    addTargets(log, '/3', '/4');
    assert.deepEqual(targetsOf(log.last(10)), ['/2', '/3', '/4']);
    assert.deepEqual(targetsOf(log.last(2)), ['/3', '/4']);
    assert.deepEqual(log.last(0), []);
    addTargets(log, '/5', '/6', '/7');
    assert.deepEqual(targetsOf(log.last(Number.POSITIVE_INFINITY)), ['/5', '/6', '/7']);
  });

  test('writes all of a transaction over an old one, and leaves what it gave before as it was', () => {
    const { log } = openLog({ capacity: 1 });
    const first = transaction({ target: '/1' });
    log.add(first);
    const given = log.last(1);
    const second: Transaction = {
      ...{ id: 'other', startedAt: 1, client: '::1', method: 'PUT', host: 'other.example', target: '/2' },
      ...{ status: 'aborted', outcome: 'miss', detail: 'pass', backend: 'b', backendMs: 2 },
      ...{ totalMs: 3, sentBytes: 4 },
    };
    log.add(second);
    assert.deepEqual(given, [first]);
    assert.deepEqual(log.last(1), [second]);
  });

  test('shortens what a client made long', () => {
    const { log } = openLog();
    const long = `/${'x'.repeat(20_000)}`;
    log.add(transaction({ target: long, host: 'h'.repeat(5_000), method: 'M'.repeat(5_000) }));
    const [kept] = log.last(1);
    assert.equal(kept?.target, `${long.slice(0, 1_024)}…`);
    for (const text of [kept?.host, kept?.method]) assert.equal(text?.length, 1_025);
  });

  test('counts outcomes, classes of status and bytes since it began', () => {
    const { log, clock } = openLog({ capacity: 2 });
    for (const outcome of OUTCOMES) log.add(transaction({ outcome }));
    for (const status of [100, 204, 304, 404, 431, 503, 599, 'aborted'] as const)
      log.add(transaction({ status }));
    clock.advance(5_000);
    const { outcomes, statuses, requests, sentBytes, uptimeMs, followers } = log.stats;
    assert.deepEqual(outcomes, {
      ...Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 1])),
      hit: 9,
    });
    assert.deepEqual(statuses, {
      '1xx': 1,
      '2xx': OUTCOMES.length + 1,
      '3xx': 1,
      '4xx': 2,
      '5xx': 2,
      aborted: 1,
    });
    assert.deepEqual(
      { requests, sentBytes, uptimeMs, followers },
      {
        ...{ requests: OUTCOMES.length + 8, sentBytes: 1_000 * (OUTCOMES.length + 8), uptimeMs: 5_000 },
        followers: 0,
      },
    );
  });

  test('counts the times of hits and misses apart, and those of no others', () => {
    const { log } = openLog();
    const times = { hit: 0.4, stale: 0.5, miss: 40, validated: 30, synthetic: 0.4, refused: 0.4 } as const;
    for (const [outcome, totalMs] of Object.entries(times) as [keyof typeof times, number][])
      log.add(transaction({ outcome, totalMs }));
    const { bounds, hits, misses } = log.histogram;
    const filled = (counts: readonly number[]): number[] =>
      counts.flatMap((count, at) => Array<number>(count).fill(bounds[at] ?? 0));
    assert.deepEqual(bounds, LATENCY_BOUNDS);
    assert.deepEqual(filled(hits), [0.5012, 0.5012]);
    assert.deepEqual(filled(misses), [31.62, 50.12]);
  });
});

describe('a follower', () => {
  test('is given what comes from now on, all of a turn at once', async () => {
    const { log } = openLog();
    addTargets(log, '/before');
    const feed = log.follow();
    assert.equal(log.stats.followers, 1);
    const taken = feed.take();
    addTargets(log, '/1', '/2', '/3');
    const batch = await taken;
    assert.deepEqual(targetsOf(batch?.transactions), ['/1', '/2', '/3']);
    assert.equal(batch?.lost, 0);
    addTargets(log, '/4');
    assert.deepEqual(targetsOf((await feed.take())?.transactions), ['/4']);
  });

  test('that is slow loses what finds no room, is told how much, and only it', async () => {
    const { log } = openLog({ feedLimit: 2 });
    const [slow, quick] = [log.follow(), log.follow()];
    addTargets(log, '/1', '/2');
    assert.deepEqual(targetsOf((await quick.take())?.transactions), ['/1', '/2']);
    addTargets(log, '/3', '/4');
    const batch = await slow.take();
    assert.deepEqual(targetsOf(batch?.transactions), ['/1', '/2']);
    assert.equal(batch?.lost, 2);
    assert.equal(log.stats.lostLines, 2);
    assert.deepEqual(targetsOf((await quick.take())?.transactions), ['/3', '/4']);
    addTargets(log, '/5');
    assert.deepEqual(await slow.take(), { transactions: log.last(1), lost: 0 });
  });

  test('that is gone is given nothing more, and takes what had come', async () => {
    const { log } = openLog();
    const feed = log.follow();
    addTargets(log, '/1');
    feed.close();
    feed.close();
    assert.equal(log.stats.followers, 0);
    addTargets(log, '/2');
    assert.deepEqual(targetsOf((await feed.take())?.transactions), ['/1']);
    assert.equal(await feed.take(), undefined);
    const waiting = log.follow();
    const taken = waiting.take();
    waiting.close();
    assert.equal(await taken, undefined);
  });
});
