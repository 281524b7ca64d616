import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VelocityError } from '../base/errors.ts';
import { partOf } from './part-of.ts';

test('a reply without Content-Range is the whole', () => {
  assert.equal(partOf(undefined), undefined);
});

test('a reply with one is that part', () => {
  assert.deepEqual(partOf('bytes 2-3/10'), { span: { first: 2, last: 3 }, sizeBytes: 10 });
});

test('a part that cannot be does not pass for the whole', () => {
  for (const said of ['', 'bytes 3-2/10', 'bytes 0-10/10', 'lines 1-2/3'])
    assert.throws(
      () => partOf(said),
      (error) => error instanceof VelocityError && error.code === 'STORAGE_UNAVAILABLE',
    );
});
