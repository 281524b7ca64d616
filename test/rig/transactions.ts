import type { Transaction } from '../../src/wire/transaction.ts';

/** A hit of a moment ago, but for what is said of it. */
export function transaction(said: Partial<Transaction> = {}): Transaction {
  return {
    id: 'id',
    startedAt: Date.UTC(2026, 0, 1),
    client: '192.0.2.1',
    method: 'GET',
    host: 'example.com',
    target: '/',
    status: 200,
    outcome: 'hit',
    detail: undefined,
    backend: undefined,
    backendMs: undefined,
    totalMs: 0.4,
    sentBytes: 1_000,
    ...said,
  };
}
