import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CliProcess } from '../rig/cli.ts';
import { OpenedAdminSocket } from '../rig/opened-admin-socket.ts';
import { transaction } from '../rig/transactions.ts';
import { until } from '../rig/until.ts';

describe('watching a caching proxy', () => {
  test('velocity log finds it, follows it, and ends with Ctrl-C', async () => {
    await using opened = await OpenedAdminSocket.open({ name: 'velocity-8080.sock' });
    const { path } = opened.folder;
    const log = new CliProcess(['log'], { cwd: path, env: { XDG_RUNTIME_DIR: path, TMPDIR: path } });
    await until(async () => opened.log.stats.followers === 1);
    opened.log.add(transaction({ target: '/asked' }));
    await until(async () => log.stdout.includes('/asked'));
    log.child.kill('SIGINT');
    const { exitCode, stderr } = await log.result;
    assert.deepEqual([exitCode, stderr], [0, '']);
  });

  test('velocity stat goes on between two looks, and ends with SIGTERM', async () => {
    await using opened = await OpenedAdminSocket.open();
    const { path } = opened.folder;
    const stat = new CliProcess(['stat', '--json', '--socket', opened.path], { cwd: path });
    await until(async () => stat.stdout.split('\n').length > 2);
    stat.child.kill('SIGTERM');
    assert.equal((await stat.result).exitCode, 0);
  });

  test('velocity log ends when what reads it has left', async () => {
    await using opened = await OpenedAdminSocket.open();
    const log = new CliProcess(['log', '--socket', opened.path], { cwd: opened.folder.path });
    await until(async () => opened.log.stats.followers === 1);
    log.child.stdout?.destroy();
    await until(async () => {
      opened.log.add(transaction());
      return log.child.exitCode !== null;
    });
    assert.equal((await log.result).exitCode, 0);
  });
});
