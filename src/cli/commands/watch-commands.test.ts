import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { OpenedAdminSocket } from '../../../test/rig/opened-admin-socket.ts';
import { transaction } from '../../../test/rig/transactions.ts';
import { until } from '../../../test/rig/until.ts';
import { runCli } from '../cli.ts';

async function velocity(opened: OpenedAdminSocket, ...args: readonly string[]) {
  const io = new CapturedIo();
  const exitCode = await runCli([...args, '--socket', opened.path], io);
  assert.deepEqual([exitCode, io.stderr.text], [0, '']);
  return io.stdout.text;
}

async function openFilled(): Promise<OpenedAdminSocket> {
  const opened = await OpenedAdminSocket.open({ gauges: () => ({ entries: 2 }) });
  const startedAt = Date.now();
  opened.log.add(transaction({ startedAt, target: '/a', client: '192.0.2.7' }));
  opened.log.add(transaction({ startedAt, target: '/b', outcome: 'miss', totalMs: 30, status: 404 }));
  opened.log.add(transaction({ startedAt, target: '/a', status: 'aborted' }));
  opened.log.add(transaction({ startedAt: startedAt - 61_000, target: '/old' }));
  opened.clock.advance(2_000);
  return opened;
}

describe('the commands that watch a proxy', () => {
  test('velocity stat prints counters and rates', async () => {
    await using opened = await openFilled();
    const table = await velocity(opened, 'stat', '--once');
    assert.match(table, /^up 2\.0 s +total +a second\nrequests +4 +2\.0\n {2}hit +3 +1\.5\n/);
    assert.match(table, /\nfrom the cache +75\.0 %/);
    const { stats } = opened.log;
    const reply = JSON.parse(await velocity(opened, 'stat', '--once', '--json'));
    assert.deepEqual(reply, { ...stats, gauges: { entries: 2 }, perSecond: reply.perSecond });
    assert.equal(reply.perSecond.outcomes.hit, 1.5);
  });

  test('velocity hist draws hits and misses', async () => {
    await using opened = await openFilled();
    const lines = (await velocity(opened, 'hist')).split('\n');
    assert.equal(lines[0], `${' '.repeat(17)}|`);
    assert.equal(lines[11], `${' '.repeat(17)}|${' '.repeat(17)}#`);
    assert.match(lines.at(-3) ?? '', /^\| hits {4}3: 50 % within 501 µs/);
  });

  test('velocity top ranks what came in the last minute', async () => {
    await using opened = await openFilled();
    assert.match(
      await velocity(opened, 'top'),
      /^3 requests in the last \d+ s\n\ncount {3}share {2}url\n {4}2 {2}66\.7 % {2}example\.com\/a\n {4}1 {2}33\.3 % {2}example\.com\/b\n$/,
    );
    const ranked = async (by: string): Promise<string | undefined> =>
      (await velocity(opened, 'top', '--once', '--limit', '1', '--by', by)).split('\n').at(-2);
    assert.equal(await ranked('client'), '    2  66.7 %  192.0.2.1');
    assert.equal(await ranked('outcome'), '    2  66.7 %  hit');
    assert.equal(await ranked('status'), '    1  33.3 %  200');
    const io = new CapturedIo();
    assert.equal(await runCli(['top', '--by', 'colour'], io), 2);
  });

  test('refresh on a terminal until nobody looks', async () => {
    await using opened = await openFilled();
    for (const args of [['stat'], ['hist'], ['top'], ['stat', '--json']]) {
      const io = new CapturedIo();
      Object.assign(io.stdout, { isTTY: true });
      const running = runCli([...args, '--socket', opened.path], io);
      await until(async () => io.stdout.text.includes('\n'));
      io.stdout.destroy();
      assert.equal(await running, 0, io.stderr.text);
    }
  });

  test('say on a terminal that the proxy has gone, and fail', async () => {
    for (const command of ['stat', 'top']) {
      await using opened = await openFilled();
      const io = new CapturedIo();
      Object.assign(io.stdout, { isTTY: true });
      const running = runCli([command, '--socket', opened.path], io);
      await until(async () => io.stdout.text !== '');
      await opened.socket.close();
      assert.equal(await running, 1);
      assert.match(
        io.stderr.text,
        /^velocity: (?:No caching proxy answers|The caching proxy at .* has ended)/,
      );
    }
  });
});
