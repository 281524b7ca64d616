import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { transaction } from '../../../test/rig/transactions.ts';
import type { Transaction } from '../../wire/transaction.ts';
import { type FilterFlags, transactionFilter } from './transaction-filter.ts';

const MISS = transaction({ outcome: 'miss', status: 503, method: 'HEAD', target: '/x/y?page=2' });
const ABORTED = transaction({ status: 'aborted' });

describe('the filter of transactions', () => {
  const cases: readonly (readonly [rule: string, FilterFlags, Transaction, boolean])[] = [
    ['without flags lets all pass', {}, MISS, true],
    ['takes the outcome', { outcome: 'miss' }, MISS, true],
    ['takes one of several outcomes', { outcome: 'hit,miss' }, MISS, true],
    ['refuses another outcome', { outcome: 'hit,pass' }, MISS, false],
    ['takes the status', { status: '503' }, MISS, true],
    ['takes a class of status', { status: '404,5XX' }, MISS, true],
    ['refuses another class', { status: '4xx' }, MISS, false],
    ['takes what was aborted', { status: 'aborted' }, ABORTED, true],
    ['takes nothing aborted for a status', { status: '2xx' }, ABORTED, false],
    ['takes the method, however it is written', { method: 'get,head' }, MISS, true],
    ['refuses another method', { method: 'GET' }, MISS, false],
    ['takes a path without its query', { path: '/x/y' }, MISS, true],
    ['takes a glob of the path', { path: '/x*' }, MISS, true],
    ['refuses another path', { path: '/y*' }, MISS, false],
    ['takes a glob of path and query', { path: '/x/*?page=*' }, MISS, true],
    ['refuses another query', { path: '/x/y?page=3' }, MISS, false],
    ['refuses where one flag of several does', { outcome: 'miss', status: '2xx' }, MISS, false],
  ];
  for (const [rule, flags, given, passes] of cases)
    test(rule, () => {
      assert.equal(transactionFilter(flags)(given), passes);
    });

  test('tells of an outcome and a status that there is not', () => {
    assert.throws(() => transactionFilter({ outcome: 'mis' }), {
      code: 'USAGE',
      message: /did you mean "miss"/,
    });
    for (const status of ['', '20', '5x', 'x04', '200,', '0xx'])
      assert.throws(() => transactionFilter({ status }), { code: 'USAGE' }, status);
  });
});
