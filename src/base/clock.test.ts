import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from './clock.ts';

test('a wait longer than a timer can count does not end at once', async () => {
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  const cancel = systemClock.after(2 ** 40, () => end('the long wait'));
  const later = setTimeout(() => end('a later timer'), 2); // begun second, so it ends after one that ends at once

  assert.equal(await ended, 'a later timer');
  cancel();
  clearTimeout(later);
});

test('a cancelled wait does not call back', async () => {
  const { promise: ended, resolve: end } = Promise.withResolvers<string>();
  systemClock.after(1, () => end('the cancelled wait'))();
  const later = setTimeout(() => end('a later timer'), 2);

  assert.equal(await ended, 'a later timer');
  clearTimeout(later);
});
