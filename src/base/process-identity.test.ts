import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { until } from '../../test/rig/until.ts';
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

test('a process that was killed and that nobody has asked after is not alive', {
  skip: process.platform !== 'linux',
}, async () => {
  // The shell never waits for its child, which stays in the table of processes for as long as the shell lives.
  const shell = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const [text] = (await once(shell.stdout, 'data')) as [Buffer];
    const pid = Number(text.toString());
    const child = { ...thisProcess(), pid, began: '' };
    assert.equal(isAlive(child), true);
    process.kill(pid, 'SIGKILL');
    await until(async () => isAlive(child) === false);
  } finally {
    shell.kill('SIGKILL');
  }
});
