import assert from 'node:assert/strict';
import { test } from 'node:test';
import { transaction } from '../../test/rig/transactions.ts';
import { parseHistogramReply, parseLostLine, parseStatsReply } from './proxy-admin.ts';
import { OUTCOMES, parseTransaction } from './transaction.ts';

test('a transaction comes off the wire as it was, whatever is left open', () => {
  for (const outcome of OUTCOMES)
    for (const said of [
      { outcome },
      { outcome, detail: 'why', backend: 'app', backendMs: 1.5, status: 'aborted' } as const,
    ])
      assert.deepEqual(parseTransaction(JSON.parse(JSON.stringify(transaction(said)))), transaction(said));
});

test('what is not a transaction is none', () => {
  const whole = JSON.parse(JSON.stringify(transaction()));
  for (const field of Object.keys(whole)) {
    const { [field]: _, ...rest } = whole;
    assert.equal(parseTransaction(rest), undefined, field);
    assert.equal(parseTransaction({ ...whole, [field]: null }), undefined, field);
  }
  for (const raw of [
    null,
    1,
    'x',
    [],
    { lost: 1 },
    { ...whole, outcome: 'toString' },
    { ...whole, totalMs: -1 },
  ])
    assert.equal(parseTransaction(raw), undefined);
});

test('what is not an answer of the admin socket is none', () => {
  const counts = { uptimeMs: 1, requests: 1, sentBytes: 1, followers: 1, lostLines: 1 };
  const stats = { ...counts, outcomes: { hit: 1 }, statuses: {}, gauges: { entries: 3 } };
  assert.equal(parseStatsReply(stats)?.outcomes.miss, 0, 'what is not said was not counted');
  for (const raw of [
    null,
    {},
    { ...stats, requests: '1' },
    { ...stats, gauges: [1] },
    { ...stats, outcomes: 1 },
  ])
    assert.equal(parseStatsReply(raw), undefined);
  assert.ok(parseHistogramReply({ bounds: [1, 2], hits: [0, 1], misses: [1, 0] }));
  for (const raw of [
    null,
    {},
    { bounds: [1, 2], hits: [0], misses: [1, 0] },
    { bounds: [1], hits: ['1'], misses: [0] },
  ])
    assert.equal(parseHistogramReply(raw), undefined);
  assert.deepEqual(parseLostLine({ lost: 3 }), { lost: 3 });
  for (const raw of [null, {}, { lost: -1 }, { lost: '3' }]) assert.equal(parseLostLine(raw), undefined);
});
