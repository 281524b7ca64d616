import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Canceller } from './cancellation.ts';

test('those who listen are told once, in their order, and of the first reason', () => {
  const canceller = new Canceller();
  const told: string[] = [];
  const left = (): unknown => told.push('left');
  canceller.addEventListener('abort', left);
  for (const name of ['a', 'b'])
    canceller.addEventListener('abort', () => told.push(`${name}: ${canceller.aborted}`));
  canceller.removeEventListener('abort', left);
  assert.equal(canceller.aborted, false);
  const reason = new Error('gone');
  canceller.abort(reason);
  canceller.abort(new Error('again'));
  assert.deepEqual(told, ['a: true', 'b: true']);
  assert.equal(canceller.reason, reason);
});
