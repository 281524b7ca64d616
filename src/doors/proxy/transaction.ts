import type { Transaction } from '../../wire/transaction.ts';

export type { Outcome, Transaction } from '../../wire/transaction.ts';

/** Called once for each request, when all of its answer is sent or will not be. */
export type OnTransaction = (transaction: Transaction) => void;
