import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { openSocket, readAll, sendRaw } from '../../test/rig/raw-http.ts';
import { Barrier, type Script, ScriptedOrigin } from '../../test/rig/scripted-origin.ts';
import { TestProxy } from '../../test/rig/test-proxy.ts';
import { until } from '../../test/rig/until.ts';

/** Answers every request with its target. */
const echo: Script = async (connection) => {
  for await (const head of connection.heads()) {
    const [, target = ''] = head.split(' ');
    connection.send(
      `HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\nX-Request-Id: own\r\n\r\n${target}`,
    );
  }
};

async function ended(proxy: TestProxy, count = 1): Promise<void> {
  await until(async () => proxy.transactions.length >= count);
}

const get = (target: string, ...fields: string[]): string =>
  [`GET ${target} HTTP/1.1`, 'Host: a', 'Connection: close', ...fields, '', ''].join('\r\n');

describe('of each request', () => {
  test('the id, the outcome, the backend and the bytes are told, with its target as it was asked for', async () => {
    await using proxy = await TestProxy.start([echo]);
    const answer = await sendRaw(proxy.url, get('/a?b=c', 'X-Request-Id: mine-1'));
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    await ended(proxy);
    const [transaction] = proxy.transactions;
    assert.ok(transaction);
    const { backendMs, totalMs, ...told } = transaction;
    assert.deepEqual(told, {
      id: 'mine-1',
      startedAt: proxy.clock.now(),
      client: '127.0.0.1',
      method: 'GET',
      host: 'a',
      target: '/a?b=c',
      status: 200,
      outcome: 'pass',
      detail: 'nothing-to-reuse',
      backend: 'default',
      sentBytes: 6,
    });
    assert.deepEqual([backendMs, totalMs], [0, 0]);
    const line = proxy.lines.find(({ message }) => message === 'request');
    assert.deepEqual([line?.['requestId'], line?.['path'], line?.['status']], ['mine-1', '/a', 200]);
    assert.match(
      await proxy.metrics.registry.metrics(),
      /vc_proxy_requests_total\{outcome="pass",backend="default"\} 1\n/,
    );
  });

  test('a refusal is told too, and goes to no backend', async () => {
    await using proxy = await TestProxy.start([]);
    assert.match(await sendRaw(proxy.url, get('/').replace('GET', 'TRACE')), /^HTTP\/1\.1 405 /);
    assert.match(await sendRaw(proxy.url, 'GET / HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.match(await sendRaw(proxy.url, 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n'), /^HTTP\/1\.1 405 /);
    assert.match(await sendRaw(proxy.url, 'GET\r\n\r\n'), /^HTTP\/1\.1 400 /);
    assert.match(await sendRaw(proxy.url, get('http://elsewhere.org/')), /^HTTP\/1\.1 400 /);
    await ended(proxy, 3);
    assert.deepEqual(
      proxy.transactions.map(({ status, outcome, backend }) => [status, outcome, backend]),
      [
        [405, 'refused', undefined],
        [400, 'refused', undefined],
        [400, 'refused', undefined],
      ],
    );
    assert.equal(proxy.origin.connections, 0);
  });

  test('a client that leaves is told as aborted', async () => {
    const asked = new Barrier(2);
    await using proxy = await TestProxy.start([
      async (connection) => {
        await connection.head();
        await asked.reach();
        await connection.closed;
      },
    ]);
    const socket = await openSocket(proxy.url);
    socket.write(get('/'));
    await asked.reach();
    socket.destroy();
    await ended(proxy);
    assert.equal(proxy.transactions[0]?.status, 'aborted');
    await proxy.origin.done();
  });
});

describe('a backend that has no answer', () => {
  test('is a 502 that names no address, and a line in the log that says why', async () => {
    await using away = await ScriptedOrigin.start([]);
    const { url } = away;
    await away[Symbol.asyncDispose]();
    await using proxy = await TestProxy.start([], { VC_PROXY_BACKEND: url });
    const answer = await sendRaw(proxy.url, get('/'));
    assert.match(answer, /^HTTP\/1\.1 502 .*"code":"ORIGIN_FAILED"/s);
    assert.ok(!answer.includes(new URL(url).port));
    await ended(proxy);
    const [{ outcome, backend } = {}] = proxy.transactions;
    assert.deepEqual([outcome, backend], ['failed', 'default']);
    const line = proxy.lines.find(({ message }) => message === 'a backend failed');
    assert.match(String(line?.['why']), /ECONNREFUSED/);
  });

  test('is a 504 where it takes too long', async () => {
    const asked = new Barrier(2);
    await using proxy = await TestProxy.start([
      async (connection) => {
        await connection.head();
        await asked.reach();
        await connection.closed;
      },
    ]);
    const answer = sendRaw(proxy.url, get('/'));
    await asked.reach();
    await until(async () => proxy.clock.isWaitedFor(60_000));
    proxy.clock.advance(60_000);
    assert.match(await answer, /^HTTP\/1\.1 504 .*"code":"ORIGIN_TIMEOUT"/s);
  });

  test('is a 503 at once where its probes say that it is sick', async () => {
    await using sick = await ScriptedOrigin.start([]); // cuts every connection
    await using proxy = await TestProxy.start([echo], {
      VC_PROXY_BACKENDS__app__URL: sick.url,
      VC_PROXY_BACKENDS__app__HOSTS: 'app.example.org',
      VC_PROXY_BACKENDS__app__PROBE_PATH: '/up',
    });
    await until(async () =>
      proxy.lines.some(({ message }) => String(message).startsWith('a server is sick')),
    );
    const answer = await sendRaw(proxy.url, get('/').replace('Host: a', 'Host: app.example.org'));
    assert.match(answer, /^HTTP\/1\.1 503 .*"code":"BACKEND_SICK"/s);
    assert.match(await sendRaw(proxy.url, get('/other')), /\/other$/);
    assert.match(
      await proxy.metrics.registry.metrics(),
      /vc_proxy_server_well\{backend="app",server="[^"]+"\} 0\n/,
    );
  });
});

test('a connection that was promised more ends with its answer once the proxy drains', async () => {
  const rest = new Barrier(2);
  await using proxy = await TestProxy.start([
    async (connection) => {
      await connection.head();
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf');
      await rest.reach();
      connection.send('half');
      await connection.closed;
    },
  ]);
  const socket = await openSocket(proxy.url);
  const all = readAll(socket);
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(async () => socket.bytesRead > 0);
  const stopping = proxy.stop();
  await until(async () => proxy.lines.some(({ message }) => message === 'draining the proxy'));
  await rest.reach();
  assert.match(await all, /Connection: keep-alive\r\n.*halfhalf$/s);
  await stopping; // by itself: no clock is turned
});

describe('a client that stands still', () => {
  test('in the middle of its request is cut; one that waits for the backend is not', async () => {
    const [asked, patience] = [new Barrier(2), new Barrier(2)];
    const waiting: Script = async (connection) => {
      await connection.head();
      await asked.reach();
      await patience.reach();
      connection.send('HTTP/1.1 204 No Content\r\n\r\n');
    };
    const half: Script = (connection) => connection.closed;
    await using proxy = await TestProxy.start([waiting, half], { VC_PROXY_IDLE_TIMEOUT: '150ms' });
    const answer = sendRaw(proxy.url, get('/'));
    await asked.reach();
    const slow = await openSocket(proxy.url);
    slow.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab');
    await once(slow, 'close');
    await patience.reach();
    assert.match(await answer, /^HTTP\/1\.1 204 /);
  });
});

describe('a proxy that stops', () => {
  const body = 'x'.repeat(10);
  const inTwo = (rest: Barrier): Script => {
    return async (connection) => {
      await connection.head();
      connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${2 * body.length}\r\n\r\n${body}`);
      await rest.reach();
      connection.send(body);
      await connection.closed;
    };
  };

  /** A client that has the first half, and then what it gets up to its end. */
  async function halfway(proxy: TestProxy): Promise<() => Promise<string>> {
    const socket = await openSocket(proxy.url);
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    const closed = once(socket, 'close');
    socket.write(get('/'));
    await until(async () => received.endsWith(body));
    return async () => {
      await closed;
      return received;
    };
  }

  test('lets what is under way come to its end, and takes nothing new', async () => {
    const rest = new Barrier(2);
    await using proxy = await TestProxy.start([inTwo(rest)]);
    const { url } = proxy;
    const answer = await halfway(proxy);
    const stopped = proxy.stop();
    await assert.rejects(openSocket(url), { code: 'ECONNREFUSED' });
    await rest.reach();
    assert.ok((await answer()).endsWith(body + body));
    await stopped;
  });

  test('cuts it when the grace time is over, switched connections too', async () => {
    const switching: Script = async (connection) => {
      await connection.head();
      connection.send(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
      );
      await connection.closed;
    };
    await using proxy = await TestProxy.start([inTwo(new Barrier(2)), switching], { VC_DRAIN_TIMEOUT: '5s' });
    const answer = await halfway(proxy);
    const tunnel = await openSocket(proxy.url);
    tunnel.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const [head] = (await once(tunnel, 'data')) as [Buffer];
    assert.match(head.toString(), /^HTTP\/1\.1 101 /);
    const rested = readAll(tunnel);
    const stopped = proxy.stop();
    await setImmediate();
    proxy.clock.advance(5_000);
    await stopped;
    assert.ok(!(await answer()).endsWith(body + body));
    await rested;
    await ended(proxy, 2);
    assert.deepEqual(proxy.transactions.map(({ status, outcome }) => [status, outcome]).sort(), [
      [101, 'tunnel'],
      ['aborted', 'pass'],
    ]);
  });

  test('cuts it at once when it is told not to wait', async () => {
    await using proxy = await TestProxy.start([inTwo(new Barrier(2))]);
    const answer = await halfway(proxy);
    await proxy.stop(AbortSignal.abort());
    assert.ok(!(await answer()).endsWith(body + body));
  });
});

describe('switched connections', () => {
  const upgrade = 'GET /chat HTTP/1.1\r\nHost: b\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n';

  test('are asked of the backend that is for their host, or of none', async () => {
    await using proxy = await TestProxy.start([], {
      VC_PROXY_BACKEND: '',
      VC_PROXY_BACKENDS__a__URL: 'localhost:1',
      VC_PROXY_BACKENDS__a__HOSTS: 'a',
    });
    assert.match(await sendRaw(proxy.url, upgrade), /^HTTP\/1\.1 421 .*"code":"HOST_UNKNOWN"/s);
    await ended(proxy);
    assert.equal(proxy.transactions[0]?.outcome, 'refused');
  });

  test('are ordinary requests where they are not wanted', async () => {
    await using proxy = await TestProxy.start([echo], { VC_PROXY_WEBSOCKETS: 'false' });
    assert.match(await sendRaw(proxy.url, upgrade), /^HTTP\/1\.1 200 .*\/chat$/s);
  });
});

describe('of two requests in one packet', () => {
  /** What a client gets of both, where the second is answered long before the first. */
  async function answersOf(second: Script): Promise<string> {
    const isAnswered = Promise.withResolvers<void>();
    const first: Script = async (connection) => {
      await connection.head();
      await isAnswered.promise;
      connection.send('HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 4\r\n\r\nslow');
      await connection.closed;
    };
    await using proxy = await TestProxy.start([first, second]);
    const socket = await openSocket(proxy.url);
    const all = readAll(socket);
    socket.write(`GET /slow HTTP/1.1\r\nHost: a\r\n\r\n${get('/second')}`);
    await until(async () => proxy.origin.connections === 2);
    for (let turn = 0; turn < 20; turn++) await setImmediate();
    isAnswered.resolve();
    return await all;
  }

  test('the second has no hints in its answer, as they came before its turn', async () => {
    const text = await answersOf(async (connection) => {
      await connection.head();
      connection.send(
        'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
      );
      await connection.closed;
    });
    assert.match(text, /\r\n\r\nslowHTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nhello$/);
    assert.doesNotMatch(text, /103|Link/);
  });

  test('the second is cut where its origin broke off before its turn', async () => {
    const text = await answersOf(async (connection) => {
      await connection.head();
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello');
      for (let turn = 0; turn < 5; turn++) await setImmediate();
      connection.reset();
    });
    assert.match(text, /\r\n\r\nslow/);
    assert.ok(text.length < 1000);
  });
});

test('a head that is too long for its setting is refused, simple or not', async () => {
  await using proxy = await TestProxy.start([echo], { VC_PROXY_MAX_HEADER_SIZE: '1KiB' });
  const long = `Cookie: ${'x'.repeat(3_000)}`;
  const simple = await openSocket(proxy.url);
  simple.write(get('/', long).replace('Connection: close\r\n', ''));
  assert.match(await readAll(simple), /^HTTP\/1\.1 431 /);
  assert.match(await sendRaw(proxy.url, get('/', long)), /^HTTP\/1\.1 431 /);
  assert.equal(proxy.origin.connections, 0);
});

describe('a hit that a proxy before us asks for', () => {
  /** Says by what it was asked. */
  const origin: Script = async (connection) => {
    for await (const head of connection.heads()) {
      const said = ['Host', 'Proto'].map((name) => new RegExp(`X-Forwarded-${name}: (.*)`).exec(head)?.[1]);
      const body = said.join(' ');
      const cacheable = 'Cache-Control: max-age=60\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT';
      connection.send(`HTTP/1.1 200 OK\r\n${cacheable}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }
  };
  const simple = (...fields: string[]): string => get('/', ...fields).replace('Connection: close\r\n', '');

  /** What the same request gets before Node's parser, and by it, each the second time. */
  async function answersTo(proxy: TestProxy, fields: readonly string[]): Promise<readonly string[]> {
    const answers: string[] = [];
    for (const more of [[], ['TE: trailers']]) {
      for (let n = 0; n < 2; n++) {
        const socket = await openSocket(proxy.url);
        let text = '';
        socket.setEncoding('latin1').on('data', (chunk: string) => {
          text += chunk;
        });
        socket.write(simple(...fields, ...more));
        await until(async () => /\r\n\r\n./.test(text));
        socket.destroy();
        if (n === 1) answers.push(text.replace(/x-request-id: .*\r\n/, ''));
      }
    }
    return answers.map((text) => text.split('\r\n').toSorted().join('\n'));
  }

  for (const trusted of ['', '127.0.0.1'])
    test(`is the same as by Node, and told as that of its client, where ${trusted || 'nobody'} is believed`, async () => {
      const env = trusted === '' ? {} : { VC_TRUSTED_PROXIES: trusted };
      await using proxy = await TestProxy.start([origin, origin, origin], env);
      const bodies: string[] = [];
      for (const fields of [
        [],
        ['X-Forwarded-For: 192.0.2.7'],
        ['X-Forwarded-For: 192.0.2.8', 'X-Forwarded-Proto: https', 'X-Forwarded-Port: 443'],
        ['X-Forwarded-Host: other.example', 'Via: 1.1 a'],
        ['Forwarded: for=192.0.2.9;proto=https'],
      ]) {
        const [before, byNode] = await answersTo(proxy, fields);
        assert.equal(before, byNode);
        assert.match(before ?? '', /X-Cache: HIT/);
        const [, body = ''] = /^(\S+ http\S*)$/m.exec(before ?? '') ?? [];
        bodies.push(body);
      }
      const clean = 'a http';
      const parted = ['a https', 'other.example http', clean];
      assert.deepEqual(bodies, [clean, clean, ...(trusted === '' ? [clean, clean, clean] : parted)]);
      await ended(proxy, 20);
      const clients = proxy.transactions.map(({ client }) => client);
      const told = trusted === '' ? ['127.0.0.1'] : ['127.0.0.1', '192.0.2.7', '192.0.2.8'];
      assert.deepEqual([...new Set(clients)], told);
    });
});
