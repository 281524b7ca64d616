import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { OpenedAdminSocket } from '../../../../test/rig/opened-admin-socket.ts';
import { openTempFolder } from '../../../../test/rig/temp-folder.ts';
import { transaction } from '../../../../test/rig/transactions.ts';
import { until } from '../../../../test/rig/until.ts';
import { VelocityError } from '../../../base/errors.ts';
import { openLogger } from '../../../telemetry/logger.ts';
import { parseHistogramReply, parseStatsReply } from '../../../wire/proxy-admin.ts';
import { parseTransaction } from '../../../wire/transaction.ts';
import { AdminSocket } from './admin-socket.ts';
import { defaultSocketPath } from './socket-place.ts';

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly body?: string;
}

async function begin(socketPath: string, { method = 'GET', path, body }: Asked): Promise<IncomingMessage> {
  // Kept alive: a server that is to end the connection does not read the rest of a body that it refuses.
  const headers = { connection: 'keep-alive' };
  const asking = request({ socketPath, method, path, headers, agent: false });
  asking.end(body);
  const [answer] = await once(asking, 'response');
  return answer;
}

async function ask(socketPath: string, asked: Asked) {
  const answer = await begin(socketPath, asked);
  const { statusCode: status, headers } = answer;
  return { status, headers, text: await text(answer) };
}

const linesOf = (body: string): unknown[] =>
  body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

describe('the admin socket', () => {
  test('answers with what was counted, in the form that the commands read', async () => {
    await using opened = await OpenedAdminSocket.open({ gauges: () => ({ entries: 7 }) });
    opened.log.add(transaction({ outcome: 'miss', totalMs: 30 }));
    opened.clock.advance(1_500);
    const stats = JSON.parse((await ask(opened.path, { path: '/stats' })).text);
    assert.deepEqual(stats, { ...opened.log.stats, gauges: { entries: 7 } });
    assert.deepEqual(parseStatsReply(stats), stats);
    const histogram = JSON.parse((await ask(opened.path, { path: '/histogram' })).text);
    assert.deepEqual(parseHistogramReply(histogram), opened.log.histogram);
  });

  test('is for curl, too', async () => {
    await using opened = await OpenedAdminSocket.open();
    const args = ['-sS', '--unix-socket', opened.path, 'http://localhost/stats'];
    const { stdout } = await promisify(execFile)('curl', args);
    assert.equal(JSON.parse(stdout).requests, 0);
  });

  test('gives the last transactions and ends', async () => {
    await using opened = await OpenedAdminSocket.open();
    for (let n = 1; n <= 500; n++) opened.log.add(transaction({ target: `/${n}`, status: 'aborted' }));
    const { text: all, headers } = await ask(opened.path, { path: '/transactions' });
    assert.equal(headers['content-type'], 'application/x-ndjson');
    assert.deepEqual(linesOf(all).map(parseTransaction), opened.log.last(500));
    const { text: two } = await ask(opened.path, { path: '/transactions?last=2' });
    assert.deepEqual(linesOf(two).map(parseTransaction), opened.log.last(2));
  });

  test('goes on with those that come, until it is closed', async () => {
    await using opened = await OpenedAdminSocket.open();
    for (const target of ['/1', '/2']) opened.log.add(transaction({ target }));
    const answer = await begin(opened.path, { path: '/transactions?follow=1&last=1' });
    opened.log.add(transaction({ target: '/3' }));
    const [first] = await once(answer, 'data');
    assert.match(String(first), /"\/2"/);
    const rest = text(answer);
    opened.log.add(transaction({ target: '/4' }));
    await opened.socket.close();
    const told = linesOf(String(first) + (await rest)).map((line) => parseTransaction(line)?.target);
    assert.deepEqual(told, ['/2', '/3', '/4']);
    assert.equal(opened.log.stats.followers, 0);
  });

  test('tells a follower that does not read what it lost, and is closed in spite of one', async () => {
    await using opened = await OpenedAdminSocket.open({ feedLimit: 10 });
    const answer = await begin(opened.path, { path: '/transactions?follow=1' });
    // Until the buffers of both ends are full, and one more.
    const fill = async (): Promise<boolean> => {
      for (let n = 0; n < 10; n++) opened.log.add(transaction({ target: `/${'x'.repeat(900)}` }));
      return opened.log.stats.lostLines > 0;
    };
    await until(fill);
    const { lostLines, requests } = opened.log.stats;
    let told = '';
    answer.setEncoding('utf8').on('data', (piece: string) => {
      told += piece;
    });
    await until(async () => told.includes('"lost"'));
    const before = linesOf(told.slice(0, told.indexOf('{"lost"'))).length;
    const lost = Number(/"lost":(\d+)/.exec(told)?.[1]);
    assert.equal(lost, lostLines);
    assert.equal(before, requests - lostLines, 'it is told where they are missing');

    const deaf = await begin(opened.path, { path: '/transactions?follow=1' });
    deaf.on('error', () => {});
    const lostBefore = opened.log.stats.lostLines;
    answer.destroy();
    await until(async () => opened.log.stats.followers === 1);
    await until(async () => (await fill()) && opened.log.stats.lostLines > lostBefore);
    await opened.socket.close();
  });

  test('forgets a follower that left', async () => {
    await using opened = await OpenedAdminSocket.open();
    const answer = await begin(opened.path, { path: '/transactions?follow=1' });
    assert.equal(opened.log.stats.followers, 1);
    answer.destroy();
    await until(async () => opened.log.stats.followers === 0);
  });

  test('hands other parts’ requests to them', async () => {
    const said: unknown[] = [];
    await using opened = await OpenedAdminSocket.open({
      routes: [
        {
          method: 'POST',
          path: '/bans',
          handle: async (body, query) => {
            said.push([query.get('dry'), body]);
            return { banned: 3 };
          },
        },
      ],
    });
    const banned = await ask(opened.path, { method: 'POST', path: '/bans?dry=1', body: '{"a":1}' });
    assert.deepEqual([banned.status, banned.text], [200, '{"banned":3}']);
    await ask(opened.path, { method: 'POST', path: '/bans' });
    assert.deepEqual(said, [
      ['1', { a: 1 }],
      [null, undefined],
    ]);
  });

  test('answers what cannot be with a problem', async () => {
    const fail = async (): Promise<never> => {
      throw new VelocityError('BAD_REQUEST', 'No such expression.', { field: 'expression' });
    };
    const breakDown = async (): Promise<never> => {
      throw new Error('secret');
    };
    await using opened = await OpenedAdminSocket.open({
      routes: [
        { method: 'POST', path: '/bans', handle: fail },
        { method: 'GET', path: '/bug', handle: breakDown },
      ],
    });
    const cases: [Asked, number, string][] = [
      [{ path: '/nothing' }, 404, 'NOT_FOUND'],
      [{ path: '/stats', method: 'POST' }, 405, 'METHOD_NOT_ALLOWED'],
      [{ path: '/transactions', method: 'DELETE' }, 405, 'METHOD_NOT_ALLOWED'],
      [{ path: '/transactions?last=some' }, 400, 'BAD_REQUEST'],
      [{ path: '/transactions?follow=yes' }, 400, 'BAD_REQUEST'],
      [{ path: '/transactions?lats=1' }, 400, 'BAD_REQUEST'],
      [{ path: '/bans', method: 'POST', body: '{' }, 400, 'BAD_REQUEST'],
      [{ path: '/bans', method: 'POST', body: '{}' }, 400, 'BAD_REQUEST'],
      [{ path: '/bans', method: 'POST', body: ' '.repeat(2 ** 20 + 1) }, 413, 'BODY_TOO_LARGE'],
      [{ path: '/bug' }, 500, 'INTERNAL'],
    ];
    for (const [asked, status, code] of cases) {
      const answer = await ask(opened.path, asked);
      const problem = JSON.parse(answer.text);
      assert.deepEqual([answer.status, problem.code], [status, code], asked.path);
      assert.equal(answer.headers['content-type'], 'application/problem+json');
      assert.doesNotMatch(answer.text, /secret/);
    }
    const { headers } = await ask(opened.path, { path: '/bans', method: 'PUT' });
    assert.equal(headers.allow, 'POST');
  });
});

describe('the place of the admin socket', () => {
  const refused = (message: RegExp) => ({ code: 'LISTEN_FAILED', message });

  test('is nobody else’s to open, and is free again afterwards', async () => {
    await using opened = await OpenedAdminSocket.open();
    const { mode } = await lstat(opened.path);
    assert.equal(mode & 0o777, 0o600);
    await opened.socket.close();
    await assert.rejects(lstat(opened.path), { code: 'ENOENT' });
  });

  test('is free where the process that had it is dead, and taken where it lives', async () => {
    await using opened = await OpenedAdminSocket.open();
    const { log, path } = opened;
    const options = { path, log, logger: openLogger('silent') };
    await assert.rejects(AdminSocket.open(options), refused(/Another process listens/));
    assert.equal((await ask(path, { path: '/stats' })).status, 200);

    await using folder = await openTempFolder();
    const left = join(folder.path, 'left.sock');
    const server = createServer().listen(join(folder.path, 'first'));
    await once(server, 'listening');
    await rename(join(folder.path, 'first'), left); // so that closing does not remove it
    server.close();
    assert.ok((await lstat(left)).isSocket());
    const taken = await AdminSocket.open({ ...options, path: left });
    assert.equal((await ask(left, { path: '/stats' })).status, 200);
    await taken.close();
  });

  test('is not made of a file, a missing folder, a folder for all, or too long a path', async () => {
    await using folder = await openTempFolder();
    await using opened = await OpenedAdminSocket.open();
    const open = (path: string): Promise<AdminSocket> =>
      AdminSocket.open({ path, log: opened.log, logger: openLogger('silent') });
    const file = join(folder.path, 'file');
    await writeFile(file, 'precious');
    await assert.rejects(open(file), refused(/is no socket/));
    assert.equal(await readFile(file, 'utf8'), 'precious');
    await assert.rejects(open(join(folder.path, 'missing/a.sock')), refused(/cannot be used \(ENOENT\)/));
    await assert.rejects(
      open(join(folder.path, 'x'.repeat(100))),
      refused(/has \d{3} bytes and may have 10[37]/),
    );
    await mkdir(join(folder.path, 'all'));
    await chmod(join(folder.path, 'all'), 0o777);
    await assert.rejects(open(join(folder.path, 'all/a.sock')), refused(/every user/));
    await chmod(join(folder.path, 'all'), 0o1777);
    await (await open(join(folder.path, 'all/a.sock'))).close();
  });

  test('is in the user’s runtime folder, else in a folder of its own among temporary files', async () => {
    await using folder = await openTempFolder();
    const { path } = folder;
    assert.equal(
      await defaultSocketPath({ XDG_RUNTIME_DIR: `${path}/`, TMPDIR: '/tmp' }, 8080),
      `${path}/velocity-8080.sock`,
    );
    const own = `${path}/velocity-${process.getuid?.()}`;
    for (const env of [{ TMPDIR: path }, { TMPDIR: path, XDG_RUNTIME_DIR: 'relative' }])
      assert.equal(await defaultSocketPath(env, 80), `${own}/velocity-80.sock`);
    assert.equal((await lstat(own)).mode & 0o777, 0o700);
    await chmod(own, 0o755);
    await assert.rejects(defaultSocketPath({ TMPDIR: path }, 80), refused(/not a folder of this user alone/));
    await rename(own, `${path}/elsewhere`);
    await chmod(`${path}/elsewhere`, 0o700);
    await symlink(`${path}/elsewhere`, own);
    await assert.rejects(defaultSocketPath({ TMPDIR: path }, 80), refused(/not a folder of this user alone/));
    await assert.rejects(defaultSocketPath({ TMPDIR: `${path}/missing` }, 80), refused(/\(ENOENT\)/));
  });

  test('is closed in spite of connections on which nothing was asked, or half of it', async () => {
    let asked = 0;
    const handle = async (): Promise<object> => ({ asked: ++asked });
    await using opened = await OpenedAdminSocket.open({ routes: [{ method: 'POST', path: '/ban', handle }] });
    const [silent, slow] = [connect(opened.path), connect(opened.path)];
    for (const each of [silent, slow]) each.on('error', () => {});
    await Promise.all([once(silent, 'connect'), once(slow, 'connect')]);
    slow.write('POST /ban HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{');
    await once(slow, 'data'); // that it is to go on: its head has come
    await opened.socket.close();
    assert.equal(asked, 0);
  });
});
