import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Change, change, countItems, type Lines } from '../src/basket-state.ts';

const after = (...changes: Change[]) => changes.reduce(change, [] as Lines);

test('adding the same product again raises its quantity in place', () => {
  const lines = after(
    { kind: 'add', sku: 'tea-20' },
    { kind: 'add', sku: 'soap-500' },
    { kind: 'add', sku: 'tea-20' },
  );
  assert.deepEqual(lines, [
    { sku: 'tea-20', quantity: 2 },
    { sku: 'soap-500', quantity: 1 },
  ]);
  assert.equal(countItems(lines), 3);
});

test('the last piece taken out takes its line with it', () => {
  assert.deepEqual(after({ kind: 'add', sku: 'tea-20' }, { kind: 'take-out', sku: 'tea-20' }), []);
  assert.deepEqual(after({ kind: 'take-out', sku: 'tea-20' }), []);
});

test('emptying leaves nothing, and never changes the basket it was given', () => {
  const lines = Object.freeze(after({ kind: 'add', sku: 'tea-20' }));
  assert.deepEqual(change(lines, { kind: 'empty' }), []);
  assert.equal(lines.length, 1);
});
