import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatIdentity, isAlive, parseIdentity, thisProcess } from './process-identity.ts';

describe('process identities', () => {
  test('this process is alive', () => {
    assert.equal(isAlive(thisProcess()), true);
  });

  test('another process that has got the same pid is not taken for it', {
    skip: thisProcess().began === '' && 'the system does not say when processes began',
  }, () => {
    assert.equal(isAlive({ ...thisProcess(), began: '1' }), false);
  });

  test('a pid that is free is not alive', () => {
    assert.equal(isAlive({ ...thisProcess(), pid: 2 ** 31 - 1 }), false);
  });

  test('nobody can tell of a process of another machine', () => {
    assert.equal(isAlive({ ...thisProcess(), host: 'elsewhere' }), undefined);
  });

  test('what is written reads back', () => {
    const identities = fc.record({
      host: fc.stringMatching(/^[A-Za-z0-9_-]{1,60}$/),
      pid: fc.nat(),
      began: fc.nat().map(String),
    });
    fc.assert(
      fc.property(identities, (identity) => {
        assert.deepEqual(parseIdentity(formatIdentity(identity)), { ...identity });
      }),
    );
  });

  test('what is no identity reads as none', () => {
    for (const text of ['', 'host', 'host.12', 'host.x.1', '../x.1.2', 'a.b.1.2'])
      assert.equal(parseIdentity(text), undefined, text);
  });
});
