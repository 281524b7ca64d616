/** A digest thread that dies at the word that a file of `DEADLY_BYTES` is whole. */
import { parentPort } from 'node:worker_threads';
import type { DigestOrder } from '../../src/base/file-digest/digest-messages.ts';

/** As in digest-pool.test.ts. */
const DEADLY_BYTES = 13;

parentPort?.on('message', (order: DigestOrder) => {
  if (order.kind === 'read' && order.isWhole && order.upTo === DEADLY_BYTES) throw new Error('killed');
});
// After it, for it is to hear of it later.
await import('../../src/base/file-digest/digest-worker.ts');
