import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAbandoned, isReserved, newUploadName } from './upload-names.ts';

const DAY_MS = 24 * 3600_000;
const NOW = 100 * DAY_MS;

test('an upload that nobody went on with for a day is abandoned, and a file of another name never', () => {
  const name = newUploadName();
  assert.equal(isAbandoned(name, NOW - DAY_MS - 1, NOW), true);
  assert.equal(isAbandoned(name, NOW - DAY_MS, NOW), false);
  assert.equal(isAbandoned(name, 0, NOW), false, 'nobody knows when');
  assert.equal(isAbandoned('notes.txt', 1, NOW), false);
});

test('the folder of uploads is reserved, with what is in it and nothing beside it', () => {
  for (const key of ['.velocity-uploads', '.velocity-uploads/a']) assert.equal(isReserved(key), true);
  for (const key of ['.velocity-uploads2', 'a/.velocity-uploads', 'a']) assert.equal(isReserved(key), false);
});
