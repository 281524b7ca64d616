import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { OpenedAdminSocket } from '../../../test/rig/opened-admin-socket.ts';
import { transaction } from '../../../test/rig/transactions.ts';
import { until } from '../../../test/rig/until.ts';
import { runCli } from '../cli.ts';

async function log(opened: OpenedAdminSocket, ...args: readonly string[]) {
  const io = new CapturedIo();
  const exitCode = await runCli(['log', '--socket', opened.path, ...args], io);
  return { exitCode, stdout: io.stdout.text, stderr: io.stderr.text };
}

describe('velocity log', () => {
  test('prints what is kept, and no more of it than is asked for', async () => {
    await using opened = await OpenedAdminSocket.open();
    for (let n = 1; n <= 20; n++) opened.log.add(transaction({ target: `/${n}` }));
    const { exitCode, stdout, stderr } = await log(opened, '--once');
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.equal(stdout.split('\n').length, 11);
    assert.match(stdout, /^\S+ {2}hit {10}200 {6}GET {2}example\.com\/11 /);
    assert.match((await log(opened, '--once', '--last', '1')).stdout, /^.*\/20 .*\n$/);
  });

  test('prints what the filters let pass, as JSON where that is wanted', async () => {
    await using opened = await OpenedAdminSocket.open();
    const miss = transaction({ outcome: 'miss', target: '/x/\u009b' });
    for (const each of [transaction(), miss, transaction({ target: '/x/z' })]) opened.log.add(each);
    const { stdout } = await log(opened, '--once', '--json', '--outcome', 'miss', '--path', '/x*');
    assert.deepEqual(JSON.parse(stdout), JSON.parse(JSON.stringify(miss)));
    assert.doesNotMatch(stdout, /\u009b/);
    for (const wrong of [['--outcome', 'mis'], ['--status', 'ok'], ['--last', 'all'], ['--nothing']])
      assert.equal((await log(opened, ...wrong)).exitCode, 2);
  });

  test('goes on with what comes, ends when nobody reads it any more, and that is no failure', async () => {
    await using opened = await OpenedAdminSocket.open();
    const io = new CapturedIo();
    const running = runCli(['log', '--socket', opened.path], io);
    await until(async () => opened.log.stats.followers === 1);
    opened.log.add(transaction({ target: '/new' }));
    await until(async () => io.stdout.text.includes('/new'));
    io.stdout.destroy();
    assert.equal(await running, 0);
    assert.equal(io.stderr.text, '');
  });

  test('says how many lines it lost', async () => {
    await using opened = await OpenedAdminSocket.open({ feedLimit: 2 });
    const io = new CapturedIo();
    const running = runCli(['log', '--json', '--socket', opened.path], io);
    await until(async () => opened.log.stats.followers === 1);
    for (let n = 1; n <= 5; n++) opened.log.add(transaction());
    await until(async () => io.stderr.text !== '');
    assert.equal(io.stderr.text, 'velocity log: 3 lines were lost: too slow\n');
    assert.equal(io.stdout.text.split('\n').length, 3);
    io.stdout.destroy();
    await running;
  });

  test('says that the proxy has gone, and fails', async () => {
    await using opened = await OpenedAdminSocket.open();
    const running = log(opened);
    await until(async () => opened.log.stats.followers === 1);
    await opened.socket.close();
    const { exitCode, stderr } = await running;
    assert.deepEqual([exitCode, stderr], [1, `velocity: The caching proxy at ${opened.path} has ended.\n`]);
    const nobody = await log(opened);
    assert.equal(nobody.exitCode, 1);
    assert.match(nobody.stderr, /No caching proxy answers at .* \(ENOENT\)/);
  });
});
