import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ask } from '../../test/rig/ask.ts';
import { openSocket, sendRaw } from '../../test/rig/raw-http.ts';
import { Barrier, type Script } from '../../test/rig/scripted-origin.ts';
import { TestProxy } from '../../test/rig/test-proxy.ts';
import { until } from '../../test/rig/until.ts';

const STORED = 'HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok';
const cacheable: Script = async (connection) => {
  for await (const _head of connection.heads()) connection.send(STORED);
};
const GET = 'GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** What is told there of the proxy, once something is asked for at it. */
async function metricsOf(proxy: TestProxy): Promise<string> {
  return String((await ask(`${proxy.server.metricsUrl}/metrics`)).body);
}

const LISTEN = { VC_PROXY_METRICS_LISTEN: '127.0.0.1:0' };

describe('the metrics of a proxy', () => {
  test('are at an address of their own, which is not there unless it is set', async () => {
    await using proxy = await TestProxy.start([]);
    assert.equal(proxy.server.metricsUrl, undefined);
    await using watched = await TestProxy.start([cacheable], LISTEN);
    assert.match(await metricsOf(watched), /^# TYPE vc_proxy_requests_total counter$/m);
    assert.match(await sendRaw(watched.url, GET), /\r\n\r\nok$/); // the origin's
    const { status } = await ask(`${watched.server.metricsUrl}/`);
    assert.equal(status, 404);
  });

  test('tell what the cache holds, hits before the parser, and what was purged', async () => {
    await using proxy = await TestProxy.start([cacheable], LISTEN);
    for (let asked = 0; asked < 3; asked++) await sendRaw(proxy.url, GET);
    await until(async () => proxy.transactions.length === 3);
    const before = await metricsOf(proxy);
    for (const line of [
      'vc_proxy_requests_total{outcome="hit",backend=""} 2',
      'vc_proxy_entries 1',
      'vc_proxy_flights 0',
      'vc_proxy_bans 0',
      'vc_proxy_sent_bytes_total 6',
    ])
      assert.ok(before.includes(`${line}\n`), `${line} in\n${before}`);
    assert.match(before, /^vc_proxy_size_bytes\{tier="memory"\} [1-9]/m);
    assert.match(before, /^vc_proxy_head_bytes [1-9]/m);
    const socketPath = proxy.server.adminSocket ?? '';
    const post = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const expression = JSON.stringify({ expression: 'obj.status == 500' });
    await ask('http://localhost/ban', { ...post, socketPath, body: expression });
    await ask('http://localhost/purge', { ...post, socketPath, body: '{"all": true}' });
    const after = await metricsOf(proxy);
    for (const line of [
      'vc_proxy_purges_total{action="purge"} 1',
      'vc_proxy_purges_total{action="ban"} 1',
      'vc_proxy_purged_responses_total{action="purge"} 1',
      'vc_proxy_entries 0',
    ])
      assert.ok(after.includes(`${line}\n`), `${line} in\n${after}`);
  });

  test('say that it is ready, and while it drains that it is not, until its last answer has ended', async () => {
    const rest = new Barrier(2);
    await using proxy = await TestProxy.start(
      [
        async (connection) => {
          await connection.head();
          connection.send('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf');
          await rest.reach();
          connection.send('half');
          await connection.closed;
        },
      ],
      { ...LISTEN, VC_DRAIN_DELAY: '10s' },
    );
    const url = proxy.server.metricsUrl;
    const readiness = async (): Promise<unknown[]> => {
      const { status, body } = await ask(`${url}/ready`);
      return [status, JSON.parse(String(body)).status];
    };
    assert.equal((await ask(`${url}/health`)).status, 200);
    assert.deepEqual(await readiness(), [200, 'ready']);
    const socket = await openSocket(proxy.url);
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    const stopping = proxy.stop();
    assert.deepEqual(await readiness(), [503, 'draining']);
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'); // it is taken as long as load balancers may send it
    await until(async () => received.endsWith('half'));
    proxy.clock.advance(10_000);
    await until(async () => proxy.lines.some(({ message }) => message === 'draining the proxy'));
    assert.deepEqual(await readiness(), [503, 'draining']);
    assert.equal((await ask(`${url}/health`)).status, 200);
    await rest.reach();
    await stopping;
    await until(async () => received.endsWith('halfhalf'));
    await assert.rejects(ask(`${url}/health`), { code: 'ECONNREFUSED' });
  });

  test('keep a proxy from starting where they cannot be had', async () => {
    await using first = await TestProxy.start([], LISTEN);
    const taken = new URL(String(first.server.metricsUrl)).host;
    await assert.rejects(TestProxy.start([], { VC_PROXY_METRICS_LISTEN: taken }), {
      code: 'LISTEN_FAILED',
      message: /another program listens there\. Set VC_PROXY_METRICS_LISTEN\./,
    });
  });
});
