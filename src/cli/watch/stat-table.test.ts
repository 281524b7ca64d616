import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { STATUS_CLASSES, type StatsReply } from '../../wire/proxy-admin.ts';
import { OUTCOMES, type Outcome } from '../../wire/transaction.ts';
import { ratesOf } from './rates-of.ts';
import { statTable } from './stat-table.ts';

function stats(uptimeMs: number, outcomes: Partial<Record<Outcome, number>>, lostLines = 0): StatsReply {
  const requests = Object.values(outcomes).reduce((sum, count) => sum + count, 0);
  return {
    ...{ uptimeMs, requests, sentBytes: requests * 1024, followers: 0, lostLines },
    outcomes: Object.fromEntries(
      OUTCOMES.map((name) => [name, outcomes[name] ?? 0]),
    ) as StatsReply['outcomes'],
    statuses: Object.fromEntries(
      STATUS_CLASSES.map((name) => [name, name === '2xx' ? requests : 0]),
    ) as StatsReply['statuses'],
    gauges: { 'entries in memory': 12 },
  };
}

describe('the table of counters', () => {
  test('shows what was counted, how fast, and nothing that never was', () => {
    const before = stats(10_000, { hit: 1_000, miss: 100 });
    const now = stats(12_000, { hit: 4_000, miss: 200, refused: 4 }, 7);
    assert.deepEqual(statTable(now, ratesOf(now, before)), [
      'up 12.0 s            total  a second',
      'requests             4,204   1,552.0',
      '  hit                4,000   1,500.0',
      '  miss                 200      50.0',
      '  refused                4       2.0',
      'from the cache      95.2 %    96.8 %',
      'status',
      '  2xx                4,204   1,552.0',
      'sent               4.1 MiB   1.5 MiB',
      'lines lost               7',
      'entries in memory       12',
    ]);
  });

  test('of a proxy that was asked nothing has no share', () => {
    const now = stats(0, {});
    assert.deepEqual(statTable(now, ratesOf(now, undefined)).slice(0, 3), [
      'up 0 ms            total  a second',
      'requests               0       0.0',
      'from the cache         -         -',
    ]);
  });
});

describe('rates', () => {
  test('are of the time since the answer before, else since the proxy began', () => {
    const now = stats(12_000, { hit: 600 });
    assert.equal(ratesOf(now, stats(10_000, { hit: 500 })).requests, 50);
    assert.equal(ratesOf(now, undefined).outcomes.hit, 50);
  });

  test('are not less than nothing where the proxy has begun anew', () => {
    const rates = ratesOf(stats(1_000, { hit: 10 }), stats(60_000, { hit: 9_000 }));
    assert.equal(rates.requests, 10);
  });
});
