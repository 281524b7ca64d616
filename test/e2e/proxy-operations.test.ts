/** The real `velocity proxy` and its operator: what is taken out of it, what is told of it, and its admin socket. */
import assert from 'node:assert/strict';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Answer, ask } from '../rig/ask.ts';
import { velocity } from '../rig/cli.ts';
import { freePort } from '../rig/free-port.ts';
import { RunningProxy } from '../rig/running-proxy.ts';
import { openTempFolder } from '../rig/temp-folder.ts';

/** An origin whose answers may be stored for long, are numbered, and have their path as surrogate key. */
function numbered(): Parameters<typeof RunningProxy.start>[0] {
  let made = 0;
  return (request, response) => {
    response.setHeader('cache-control', 'max-age=600');
    response.setHeader('surrogate-key', `all ${request.url?.slice(1)}`);
    response.end(`${request.url} ${++made}`);
  };
}

const shown = ({ headers, body }: Answer): string => `${headers['x-cache']} ${body}`;

describe('what is stored', () => {
  test('is purged by its URL, by a key, and all of it; who asks next asks the origin', async () => {
    await using proxy = await RunningProxy.start(numbered());
    const all = async (): Promise<string[]> => {
      const answers: string[] = [];
      for (const target of ['/a', '/b', '/c']) answers.push(shown(await proxy.ask(target)));
      return answers;
    };
    assert.deepEqual(await all(), ['MISS /a 1', 'MISS /b 2', 'MISS /c 3']);
    const { exitCode, stderr } = await proxy.velocity('purge', `${proxy.url}/a`);
    assert.deepEqual([exitCode, stderr], [0, '1 stored response purged\n']);
    assert.deepEqual(await all(), ['MISS /a 4', 'HIT /b 2', 'HIT /c 3']);
    assert.equal((await proxy.velocity('purge', '--tag', 'b', 'c')).stderr, '2 stored responses purged\n');
    assert.deepEqual(await all(), ['HIT /a 4', 'MISS /b 5', 'MISS /c 6']);
    assert.equal((await proxy.velocity('purge', '--all')).stderr, '3 stored responses purged\n');
    assert.deepEqual(await all(), ['MISS /a 7', 'MISS /b 8', 'MISS /c 9']);
    assert.equal((await proxy.ask('/a')).headers['surrogate-key'], undefined);
  });

  test('is banned by what it looks like, and what comes later is not', async () => {
    await using proxy = await RunningProxy.start(numbered());
    for (const target of ['/blog/1', '/shop']) await proxy.ask(target);
    const banned = await proxy.velocity('ban', 'req.url ~ "/blog/*" && obj.status == 200');
    assert.equal(banned.exitCode, 0, banned.stderr);
    assert.equal(shown(await proxy.ask('/blog/1')), 'MISS /blog/1 3');
    assert.equal(shown(await proxy.ask('/blog/1')), 'HIT /blog/1 3');
    assert.equal(shown(await proxy.ask('/shop')), 'HIT /shop 2');
    const wrong = await proxy.velocity('ban', 'req.url = "/a"');
    assert.deepEqual([wrong.exitCode, wrong.stderr.startsWith('velocity: Column 9 of the ban:')], [2, true]);
  });

  test('cannot be purged by clients: what they ask for is the origin’s to refuse', async () => {
    const answer = numbered();
    await using proxy = await RunningProxy.start((request, response) => {
      if (request.method !== 'GET') response.statusCode = 405;
      return answer(request, response);
    });
    await proxy.ask('/a');
    await proxy.ask('/a', { method: 'PURGE' });
    assert.equal((await proxy.ask('/a', { method: 'BAN' })).status, 400); // no method that Node knows
    await proxy.ask('/purge', { method: 'POST', body: '{"all":true}' });
    assert.deepEqual(proxy.asked, ['GET /a', 'PURGE /a', 'POST /purge']);
    assert.equal(shown(await proxy.ask('/a')), 'HIT /a 1');
  });
});

test('stat, log, top and hist tell of all requests, hits before the parser too', async () => {
  await using proxy = await RunningProxy.start(numbered());
  for (let asked = 0; asked < 5; asked++) await proxy.ask('/a');
  await proxy.ask('/b?c=d', { method: 'POST', body: 'x' });
  const stat = JSON.parse((await proxy.velocity('stat', '--once', '--json')).stdout);
  assert.deepEqual([stat.requests, stat.outcomes.hit, stat.outcomes.miss], [6, 4, 1]);
  assert.deepEqual([stat.statuses['2xx'], stat.gauges.entries], [6, 1]);
  const log = (await proxy.velocity('log', '--last', '3', '--once', '--json')).stdout.trim().split('\n');
  const told = log.map((line) => JSON.parse(line));
  const { host } = new URL(proxy.url);
  assert.deepEqual(
    told.map((each) => `${each.outcome} ${each.status} ${each.method} ${each.host}${each.target}`),
    [`hit 200 GET ${host}/a`, `hit 200 GET ${host}/a`, `pass 200 POST ${host}/b?c=d`],
  );
  assert.deepEqual(
    told.map(({ backend, sentBytes }) => [backend, sentBytes]),
    [
      [undefined, 4],
      [undefined, 4],
      ['default', 8],
    ],
  );
  const top = (await proxy.velocity('top', '--once')).stdout;
  assert.match(top, new RegExp(`^ *5 +83\\.3 % +${host}/a$`, 'm'));
  const hist = (await proxy.velocity('hist', '--once')).stdout;
  assert.match(hist, /\| hits +4:/);
  assert.match(hist, /# misses +2:/);
});

describe('the admin socket', () => {
  test('is told when the proxy has started, and gone when it has ended', async () => {
    await using proxy = await RunningProxy.start(numbered());
    const listening = proxy.process.log.find(({ message }) => message === 'listening');
    assert.equal(
      listening?.['adminSocket'],
      join(proxy.folder.path, `velocity-${new URL(proxy.url).port}.sock`),
    );
    assert.equal(await proxy.process.end('SIGTERM'), 0);
    const { exitCode, stderr } = await proxy.velocity('stat', '--once');
    assert.deepEqual([exitCode, /^velocity: No caching proxy answers/.test(stderr)], [1, true]);
  });

  test('where its usual place cannot be used the proxy starts without it, and says why and what to do', async () => {
    await using folder = await openTempFolder();
    const open = join(folder.path, 'open');
    await mkdir(open);
    await chmod(open, 0o777);
    for (const [place, why] of [
      [join(folder.path, 'not-there'), /not-there for the admin socket cannot be used \(ENOENT\)/],
      [open, /every user can put another socket/],
    ] as const) {
      await using proxy = await RunningProxy.start(numbered(), { env: { XDG_RUNTIME_DIR: place } });
      assert.equal(shown(await proxy.ask('/a')), 'MISS /a 1');
      const warning = proxy.process.log.find(({ level }) => level === 'warn');
      assert.match(String(warning?.['message']), /^there is no admin socket, .* set proxy\.admin_socket$/);
      assert.match(String(warning?.['reason']), why);
      assert.equal(await proxy.process.end('SIGTERM'), 0);
    }
  });

  test('where the named one cannot be had the proxy does not start', async () => {
    await using first = await RunningProxy.start(numbered(), { env: { VC_PROXY_ADMIN_SOCKET: 'own.sock' } });
    const { path: cwd } = first.folder;
    const port = String(await freePort());
    for (const [socket, why] of [
      ['own.sock', /Another process listens at .*own\.sock\. Give each proxy an admin socket of its own\./],
      ['nowhere/own.sock', /The folder .*nowhere for the admin socket cannot be used \(ENOENT\)\./],
    ] as const) {
      const { exitCode, stderr } = await velocity(['proxy', '-p', port, '--admin-socket', socket], { cwd });
      assert.equal(exitCode, 1);
      assert.match(stderr, why);
    }
    assert.equal((await first.velocity('stat', '--once', '--socket', 'own.sock')).exitCode, 0);
  });
});

test('metrics and readiness are at an address of their own', async () => {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await using proxy = await RunningProxy.start(numbered(), {
    env: { VC_PROXY_METRICS_LISTEN: `127.0.0.1:${port}` },
  });
  for (let asked = 0; asked < 3; asked++) await proxy.ask('/a');
  const metrics = String((await ask(`${url}/metrics`)).body);
  assert.match(metrics, /^vc_proxy_requests_total\{outcome="hit",backend=""\} 2$/m);
  assert.match(metrics, /^vc_proxy_entries 1$/m);
  assert.equal((await ask(`${url}/ready`)).status, 200);
  assert.equal(shown(await proxy.ask('/metrics')), 'MISS /metrics 2');
});
