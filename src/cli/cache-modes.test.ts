import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { VelocityError } from '../base/errors.ts';
import { parseCacheModes } from './cache-modes.ts';

const [NONE, READ, WRITE, BOTH] = [
  { read: false, write: false },
  { read: true, write: false },
  { read: false, write: true },
  { read: true, write: true },
];

describe('parseCacheModes', () => {
  test('without any mode both caches are used in full', () => {
    assert.deepEqual(parseCacheModes(undefined), { local: BOTH, remote: BOTH });
    assert.deepEqual(parseCacheModes(''), { local: BOTH, remote: BOTH });
  });

  test('letters say what each may be used for', () => {
    assert.deepEqual(parseCacheModes('local:rw,remote:r'), { local: BOTH, remote: READ });
    assert.deepEqual(parseCacheModes('remote:w,local:r'), { local: READ, remote: WRITE });
  });

  test('no letters are no use', () => {
    assert.deepEqual(parseCacheModes('local:,remote:rw'), { local: NONE, remote: BOTH });
  });

  test('a cache that is not named is not used', () => {
    assert.deepEqual(parseCacheModes('local:rw'), { local: BOTH, remote: NONE });
  });

  test('blanks around the parts change nothing', () => {
    assert.deepEqual(parseCacheModes(' local:rw , remote:r '), { local: BOTH, remote: READ });
  });

  test('what is not understood is quoted', () => {
    for (const part of ['local', 'disk:rw', 'local:wr', 'local:x', 'local=rw', 'LOCAL:rw', '']) {
      assert.throws(
        () => parseCacheModes(`remote:r,${part}`),
        (error: unknown) => {
          assert.ok(error instanceof VelocityError);
          assert.equal(error.code, 'USAGE');
          assert.ok(error.message.startsWith(`--cache: "${part}" is not understood.`), error.message);
          return true;
        },
      );
    }
  });
});
