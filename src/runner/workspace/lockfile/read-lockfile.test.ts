import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOCKFILES, readLockfile } from './read-lockfile.ts';

test('every file in the list has a reader', () => {
  for (const file of LOCKFILES) {
    assert.throws(() => readLockfile(file, '{[', []), {
      code: 'WORKSPACE_INVALID',
      message: new RegExp(file),
    });
  }
});

test('a file that is not in the list is a bug of the caller', () => {
  assert.throws(() => readLockfile('Cargo.lock', '', []), /unreachable: Cargo.lock/);
});
