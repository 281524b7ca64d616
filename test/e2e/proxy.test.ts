/** The real `velocity proxy`: how it is started, where it leads, how it ends. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { velocity } from '../rig/cli.ts';
import { freePort } from '../rig/free-port.ts';
import { openSocket, sendRaw } from '../rig/raw-http.ts';
import { Barrier, type Script, ScriptedOrigin } from '../rig/scripted-origin.ts';
import { ServerProcess } from '../rig/server-process.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { until } from '../rig/until.ts';

type Env = Readonly<Record<string, string>>;

function startProxy(env: Env, flags: readonly string[] = []): Promise<ServerProcess> {
  return ServerProcess.start(env, [], flags, 'proxy');
}

/** An origin that says its name, and the Host and the target that it was told. */
function naming(name: string): Script {
  return async (connection) => {
    for await (const head of connection.heads()) {
      const [, target = ''] = head.split(' ');
      const body = `${name} ${/^host: (.*)$/im.exec(head)?.[1]} ${target}`;
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }
  };
}

async function bodyOf(url: string, target: string, host: string): Promise<string> {
  const answer = await sendRaw(url, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  return answer.slice(answer.indexOf('\r\n\r\n') + 4);
}

function portOf({ url }: { readonly url: string }): string {
  return new URL(url).host;
}

describe('velocity proxy', () => {
  test('takes its backend and its address from flags, those before the environment', async () => {
    await using origin = await ScriptedOrigin.start([naming('one')]);
    const port = await freePort();
    const env = {
      VELOCITY_PORT: '1',
      VELOCITY_BACKEND: 'localhost:2',
      VC_PROXY_PORT: '',
      VC_LOG_LEVEL: 'info',
    };
    const flags = ['-h', '127.0.0.1', `-p=${port}`, '-b', origin.url, '-cmc', '50'];
    await using proxy = await startProxy(env, flags);
    assert.equal(proxy.url, `http://127.0.0.1:${port}`);
    assert.deepEqual(proxy.log[0]?.['backends'], { default: origin.url });
    assert.equal(await bodyOf(proxy.url, '/a', 'example.org'), `one ${portOf(origin)} /a`);
    assert.equal(await proxy.end('SIGTERM'), 0);
  });

  test('takes them from the environment, and from files below that', async () => {
    await using folder = await openTempFolder();
    await using origin = await ScriptedOrigin.start([naming('one')]);
    const port = await freePort();
    const file = join(folder.path, 'velocity.yml');
    await writeFile(
      file,
      'proxy:\n  host: 127.0.0.1\n  port: 1\n  backend: localhost:2\nlog: { requests: none }\n',
    );
    const env = { VELOCITY_PORT: String(port), VELOCITY_BACKEND: portOf(origin), VC_PROXY_PORT: '' };
    await using proxy = await startProxy(env, ['--config', file]);
    assert.equal(await bodyOf(proxy.url, '/a', 'example.org'), `one ${portOf(origin)} /a`);
    assert.equal(proxy.url, `http://127.0.0.1:${port}`);
    assert.equal(await proxy.end('SIGINT'), 0);
    assert.ok(!proxy.log.some(({ message }) => message === 'request'));
  });

  test('asks backends by host and path, each under its own name, and none for other hosts', async () => {
    await using shop = await ScriptedOrigin.start([naming('shop'), naming('shop')]);
    await using api = await ScriptedOrigin.start([naming('api'), naming('api')]);
    await using proxy = await startProxy({
      VC_PROXY_BACKENDS__shop__URL: shop.url,
      VC_PROXY_BACKENDS__shop__HOSTS: 'shop.example.org, *.shop.example.org',
      VC_PROXY_BACKENDS__api__URL: api.url,
      VC_PROXY_BACKENDS__api__HOSTS: 'shop.example.org',
      VC_PROXY_BACKENDS__api__PATH: '/api',
      VC_PROXY_BACKENDS__api__PASS_HOST: 'true',
    });
    assert.equal(await bodyOf(proxy.url, '/apix', 'shop.example.org'), `shop ${portOf(shop)} /apix`);
    assert.equal(await bodyOf(proxy.url, '/api/v1?x', 'SHOP.example.org'), 'api shop.example.org /api/v1?x');
    assert.equal(await bodyOf(proxy.url, '/api', 'eu.shop.example.org'), `shop ${portOf(shop)} /api`);
    assert.match(await bodyOf(proxy.url, '/', 'elsewhere.org'), /"status":421.*"code":"HOST_UNKNOWN"/);
    assert.match(await bodyOf(proxy.url, 'http://elsewhere.org/', 'elsewhere.org'), /"HOST_UNKNOWN"/);
  });

  test('tries another server of a backend where one takes no connection', async () => {
    await using origin = await ScriptedOrigin.start([naming('one')]);
    const away = `127.0.0.1:${await freePort()}`;
    await using proxy = await startProxy({ VC_PROXY_BACKENDS__all__URL: `${away}, ${portOf(origin)}` });
    for (const target of ['/1', '/2', '/3'])
      assert.equal(await bodyOf(proxy.url, target, 'a'), `one ${away} ${target}`);
  });

  test('says that a backend is down, in words and with a code', async () => {
    await using proxy = await startProxy({ VC_PROXY_BACKEND: `127.0.0.1:${await freePort()}` });
    const problem = JSON.parse(await bodyOf(proxy.url, '/', 'a'));
    assert.equal(problem.status, 502);
    assert.equal(problem.code, 'ORIGIN_FAILED');
    assert.equal(problem.detail, 'The origin takes no connection.');
    assert.ok(proxy.log.some(({ requestId, level }) => requestId === problem.requestId && level === 'warn'));
  });

  test('ends what is under way at the first Ctrl-C, and cuts it at the second', async () => {
    const rest = new Barrier(2);
    const half: Script = async (connection) => {
      await connection.head();
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf');
    };
    const whole: Script = async (connection) => {
      await half(connection);
      await rest.reach();
      connection.send('half');
      await connection.closed;
    };
    await using origin = await ScriptedOrigin.start([half, whole]);
    await using proxy = await startProxy({ VC_PROXY_BACKEND: origin.url });
    const transfers = await Promise.all([transfer(proxy.url), transfer(proxy.url)]);
    const ending = proxy.end('SIGINT');
    await until(async () => proxy.log.some(({ message }) => message === 'draining the proxy'));
    await rest.reach();
    await until(async () => transfers.some(({ received }) => received().endsWith('halfhalf')));
    proxy.child.kill('SIGINT');
    assert.equal(await ending, 0);
    assert.equal(transfers.filter(({ received }) => received().endsWith('halfhalf')).length, 1);
  });

  test('says all that is wrong with its settings, each where it stands, and does not start', async () => {
    await using folder = await openTempFolder();
    await writeFile(
      join(folder.path, 'a.yml'),
      'proxy:\n  max_memroy: 1GiB\n  backends: { a: { path: / } }\n',
    );
    const { exitCode, stderr } = await velocity(
      ['proxy', '-p', '99999', '--config', 'a.yml', '--grace=long'],
      {
        cwd: folder.path,
        env: { VELOCITY_CACHE_MAX_CAPACITY: 'many' },
      },
    );
    assert.equal(exitCode, 2);
    for (const told of [
      /^--port: proxy\.port: expected a port between 0 and 65535, found "99999"$/m,
      /^--grace: proxy\.grace: expected a duration/m,
      /^VELOCITY_CACHE_MAX_CAPACITY: proxy\.max_entries: expected a number of responses/m,
      /a\.yml:2:3: unknown key "proxy\.max_memroy" \(did you mean "proxy\.max_memory"\?\)/,
      /a\.yml:3:15: proxy\.backends\.a: url is missing/,
    ])
      assert.match(stderr, told);
  });

  test('says that another program has its port', async () => {
    await using origin = await ScriptedOrigin.start([]);
    const { exitCode, stderr } = await velocity(['proxy', '-p', new URL(origin.url).port], { cwd: '/' });
    assert.equal(exitCode, 1);
    assert.match(stderr, /another program listens there\. Set VC_PROXY_HOST or VC_PROXY_PORT\./);
  });
});

describe('velocity serve', () => {
  test('opens the proxy beside itself where it has a backend, and ends with it', async () => {
    await using folder = await openTempFolder();
    await using origin = await ScriptedOrigin.start([naming('one')]);
    await using server = await ServerProcess.start({
      VC_LOCAL_ROOT: folder.path,
      VC_PROXY_BACKEND: origin.url,
    });
    const url = String(server.log.find(({ message }) => message === 'listening')?.['proxy']);
    assert.equal(await bodyOf(url, '/x', 'a'), `one ${portOf(origin)} /x`);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(metrics, /vc_proxy_requests_total\{outcome="pass",backend="default"\} 1\n/);
    assert.equal(await server.end('SIGTERM'), 0);
  });

  test('opens none without one', async () => {
    await using folder = await openTempFolder();
    await using server = await ServerProcess.start({ VC_LOCAL_ROOT: folder.path });
    assert.equal(server.log.find(({ message }) => message === 'listening')?.['proxy'], undefined);
  });
});

/** A request of which the first half of the answer has come. */
async function transfer(url: string): Promise<{ readonly received: () => string }> {
  const socket = await openSocket(url);
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(async () => received.endsWith('half'));
  return { received: () => received };
}
