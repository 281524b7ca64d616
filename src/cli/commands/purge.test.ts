import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { runCli } from '../cli.ts';

const MADE = '2026-01-01T00:00:00.000Z';

/** An admin side on a socket that notes what it is asked and answers as it is told. */
async function openAdmin(status: number, reply: unknown) {
  const folder = await openTempFolder();
  const asked: unknown[] = [];
  const server = createServer(async (request, response) => {
    const body = request.method === 'POST' ? await json(request) : undefined;
    asked.push([`${request.method} ${request.url}`, ...(body === undefined ? [] : [body])]);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof reply === 'string' ? reply : JSON.stringify(reply));
  });
  server.listen(join(folder.path, 'admin.sock'));
  await once(server, 'listening');
  return {
    asked,
    run: (command: string, ...args: string[]) =>
      run([command, '--socket', 'admin.sock', ...args], folder.path),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function run(args: readonly string[], cwd = '/nowhere') {
  const io = new CapturedIo({ cwd, env: { TMPDIR: '/nowhere' } });
  const exitCode = await runCli(args, io);
  return { exitCode, stdout: io.stdout.text, stderr: io.stderr.text };
}

test('a URL, keys or all are purged, and how many there were is told', async () => {
  await using admin = await openAdmin(200, { purged: 2, soft: false });
  const { exitCode, stderr } = await admin.run('purge', 'https://a.example/b?c');
  assert.deepEqual([exitCode, stderr], [0, '2 stored responses purged\n']);
  assert.equal(
    (await admin.run('purge', '--tag', 'x', 'y z', '--soft')).stderr,
    '2 stored responses made stale\n',
  );
  await admin.run('purge', '--tag', 'x', '--tag', 'y');
  await admin.run('purge', '--all');
  assert.deepEqual(admin.asked, [
    ['POST /purge', { url: 'https://a.example/b?c' }],
    ['POST /purge', { tags: ['x', 'y z'], soft: true }],
    ['POST /purge', { tags: ['x', 'y'] }],
    ['POST /purge', { all: true }],
  ]);
});

test('a purge of nothing, or of two things, asks nobody', async () => {
  await using admin = await openAdmin(200, { purged: 2, soft: false });
  for (const args of [[], ['--soft'], ['http://a/', '--all'], ['--all', '--tag', 'x'], ['--tag']]) {
    const { exitCode } = await admin.run('purge', ...args);
    assert.equal(exitCode, 2, args.join(' '));
  }
  assert.deepEqual(admin.asked, []);
});

test('a ban is made, and told in the spelling of the proxy', async () => {
  const expression = 'req.url ~ "/a*"';
  await using admin = await openAdmin(200, { expression, made: MADE, banned: 0 });
  const { exitCode, stderr } = await admin.run('ban', 'req.url~"/a*"');
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /2026-01-01T00:00:00\.000Z: req\.url ~ "\/a\*"\n$/);
  assert.deepEqual(admin.asked, [['POST /ban', { expression: 'req.url~"/a*"' }]]);
});

test('bans are listed, a line each', async () => {
  const bans = [1, 2].map((banned) => ({ expression: `obj.status == 40${banned}`, made: MADE, banned }));
  await using admin = await openAdmin(200, { bans });
  const { stdout } = await admin.run('bans');
  assert.equal(stdout, `${MADE}\t1\tobj.status == 401\n${MADE}\t2\tobj.status == 402\n`);
  assert.deepEqual(admin.asked, [['GET /bans']]);
});

test('what the proxy refuses is told in its words', async () => {
  const detail = 'Column 9 of the ban: no.';
  {
    await using admin = await openAdmin(400, { code: 'BAD_REQUEST', detail });
    assert.deepEqual(await admin.run('ban', 'x'), {
      exitCode: 2,
      stdout: '',
      stderr: `velocity: ${detail}\n`,
    });
  }
  await using admin = await openAdmin(503, { code: 'BANS_EXHAUSTED', detail });
  assert.deepEqual(await admin.run('ban', 'x'), { exitCode: 1, stdout: '', stderr: `velocity: ${detail}\n` });
});

test('something else that listens there is not believed', async () => {
  for (const [status, reply] of [
    [404, 'not here'],
    [200, '<html>'],
    [200, { purged: 'all' }],
    [500, { code: 'toString', detail: 'x' }],
  ] as const) {
    await using admin = await openAdmin(status, reply);
    const { exitCode, stderr } = await admin.run('purge', '--all');
    assert.equal(exitCode, 1);
    assert.match(stderr, /^velocity: What answers at .*admin\.sock (?:says|is not)/);
  }
});

test('where nobody listens, it is said where that was and what to do', async () => {
  const { exitCode, stderr } = await run(['bans']);
  assert.equal(exitCode, 1);
  assert.match(stderr, /^velocity: No caching proxy answers at .*--socket/);
});
