/** The real `velocity proxy` as a cache before a real server: what is asked for once, and how its answers say so. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { describe, test } from 'node:test';
import { type Answer, beginToAsk, readAnswer } from '../rig/ask.ts';
import { HttpServer } from '../rig/http-server.ts';
import { RunningProxy } from '../rig/running-proxy.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { makeTestCertificate } from '../rig/test-certificate.ts';
import { until } from '../rig/until.ts';

describe('an answer that may be stored', () => {
  test('is asked for once, and every answer says where it came from and how old it is', async () => {
    await using proxy = await RunningProxy.start((_request, response) => {
      response.setHeader('cache-control', 'max-age=600').end('made');
    });
    const miss = await proxy.ask('/a?b');
    assert.deepEqual([miss.status, String(miss.body)], [200, 'made']);
    assert.deepEqual(
      [miss.headers['x-cache'], miss.headers['cache-status'], miss.headers.age],
      ['MISS', 'velocity; fwd=uri-miss; stored', undefined],
    );
    for (let hits = 0; hits < 3; hits++) {
      const hit = await proxy.ask('/a?b');
      assert.deepEqual([hit.status, String(hit.body), hit.headers['x-cache']], [200, 'made', 'HIT']);
      assert.match(String(hit.headers.age), /^\d$/);
      assert.match(String(hit.headers['cache-status']), /^velocity; hit; ttl=\d{3}$/);
      assert.match(String(hit.headers.via), /velocity/);
    }
    assert.deepEqual(proxy.asked, ['GET /a?b']);
  });

  test('is asked for once by 500 clients at a time, who all get all of it', async () => {
    const body = 'x'.repeat(200_000);
    let answer: (() => void) | undefined;
    await using proxy = await RunningProxy.start((_request, response) => {
      response.setHeader('cache-control', 'max-age=600').setHeader('content-length', body.length);
      answer = () => response.end(body);
    });
    const asking = Array.from({ length: 500 }, () => proxy.ask('/cold'));
    await until(async () => answer !== undefined);
    answer?.();
    const answers = await Promise.all(asking);
    assert.ok(
      answers.every(({ status, isWhole, body: got }) => status === 200 && isWhole && String(got) === body),
    );
    assert.deepEqual(proxy.asked, ['GET /cold']);
    const joined = answers.filter(({ headers }) => headers['cache-status']?.includes('collapsed'));
    assert.ok(joined.length > 0);
  });

  test('is served again after a kill -9, from the disk', async () => {
    await using folder = await openTempFolder();
    const env = { VC_PROXY_MAX_DISK: '100MiB', VC_PROXY_MAX_MEMORY: '8MiB' };
    const headers = { host: 'example.org' }; // with its port: that is another one each time
    const body = 'x'.repeat(1_000_000);
    {
      await using first = await RunningProxy.start(
        (_request, response) => response.setHeader('cache-control', 'max-age=600').end(body),
        { env, folder },
      );
      await first.ask('/kept?a', { headers });
      const isOnDisk = async (): Promise<boolean> => {
        const { stdout } = await first.velocity('stat', '--once', '--json');
        return JSON.parse(stdout).gauges.disk_entries === 1;
      };
      await until(isOnDisk);
      await first.process.end('SIGKILL');
    }
    const backend = 'http://127.0.0.1:9';
    await using again = await RunningProxy.start(() => {}, {
      env: { ...env, VC_PROXY_BACKEND: backend },
      folder,
    });
    const kept = await again.ask('/kept?a', { headers });
    assert.deepEqual([kept.status, kept.headers['x-cache'], String(kept.body) === body], [200, 'HIT', true]);
    assert.equal((await again.ask('/other', { headers })).status, 502);
  });
});

describe('an origin that is gone', () => {
  test('is stood in for where stale answers may be sent, and else told as a 502', async () => {
    await using proxy = await RunningProxy.start((request, response) => {
      response.setHeader('etag', '"1"');
      const stays = request.url === '/stale' ? 'stale-if-error=600' : 'must-revalidate';
      response.setHeader('cache-control', `max-age=0, ${stays}`).end(request.url);
    });
    for (const target of ['/stale', '/never-stale']) assert.equal((await proxy.ask(target)).status, 200);
    await proxy.origin[Symbol.asyncDispose]();
    const stale = await proxy.ask('/stale');
    assert.deepEqual([stale.status, String(stale.body)], [200, '/stale']);
    assert.match(String(stale.headers['cache-status']), /^velocity; hit; ttl=-?\d+; detail=unreachable$/);
    assert.equal((await proxy.ask('/never-stale')).status, 502);
    assert.equal((await proxy.ask('/cold')).status, 502);
  });

  test('is told as a 504 where it says nothing in time', async () => {
    const silent = { VC_PROXY_BACKENDS__app__FIRST_BYTE_TIMEOUT: '200ms' };
    await using silence = await HttpServer.start(() => {});
    await using proxy = await RunningProxy.start(() => {}, {
      env: { ...silent, VC_PROXY_BACKENDS__app__URL: silence.url },
    });
    const { status, body } = await proxy.ask('/');
    assert.deepEqual([status, JSON.parse(String(body)).code], [504, 'ORIGIN_TIMEOUT']);
  });

  test('is not waited for within the grace: a stale answer is sent, and a new one fetched meanwhile', async () => {
    let made = 0;
    const count = (_request: IncomingMessage, response: ServerResponse): void => {
      response.setHeader('cache-control', 'max-age=1').end(String(++made));
    };
    await using proxy = await RunningProxy.start(count, { env: { VC_PROXY_GRACE: '10s' } });
    await proxy.ask('/');
    const stale = await untilAnswered(
      proxy,
      ({ headers }) => headers['cache-status']?.includes('detail=') ?? false,
    );
    assert.match(
      String(stale.headers['cache-status']),
      /^velocity; hit; ttl=-?\d+; detail=stale-while-revalidate$/,
    );
    assert.equal(String(stale.body), '1');
    const fresh = await untilAnswered(proxy, ({ body }) => String(body) !== '1');
    assert.equal(String(fresh.body), '2');
  });
});

describe('with TLS', async () => {
  const made = await makeTestCertificate();
  const skip = 'skip' in made ? made.skip : false;

  test('clients of HTTP/2 get hits too', { skip }, async () => {
    if ('skip' in made) return;
    await using certificate = made;
    const env = {
      VC_PROXY_TLS_CERTIFICATE: certificate.certificatePath,
      VC_PROXY_TLS_KEY: certificate.keyPath,
    };
    await using proxy = await RunningProxy.start(
      (_request, response) => response.setHeader('cache-control', 'max-age=600').end('made'),
      { env },
    );
    const session = connectHttp2(proxy.url);
    const statuses: unknown[] = [];
    for (let asked = 0; asked < 3; asked++) {
      const stream = session.request({ ':path': '/a' });
      const [headers] = await once(stream, 'response');
      stream.resume();
      await once(stream, 'close');
      statuses.push(headers['x-cache']);
    }
    session.close();
    assert.deepEqual(statuses, ['MISS', 'HIT', 'HIT']);
    assert.deepEqual(proxy.asked, ['GET /a']);
  });
});

test('SIGTERM in the middle of a body lets it come to its end', async () => {
  let end: (() => void) | undefined;
  await using proxy = await RunningProxy.start((_request, response) => {
    response.setHeader('cache-control', 'max-age=600').setHeader('content-length', 8).write('half');
    end = () => response.end('half');
  });
  const message = await beginToAsk(`${proxy.url}/`);
  const ending = proxy.process.end('SIGTERM');
  await until(async () => proxy.hasLogged('draining the proxy'));
  end?.();
  const { body, isWhole } = await readAnswer(message);
  assert.deepEqual([String(body), isWhole], ['halfhalf', true]);
  assert.equal(await ending, 0);
});

/** Asks until an answer is as it is meant to be. */
async function untilAnswered(proxy: RunningProxy, isMeant: (answer: Answer) => boolean): Promise<Answer> {
  let answer = await proxy.ask('/');
  await until(async () => {
    if (isMeant(answer)) return true;
    answer = await proxy.ask('/');
    return isMeant(answer);
  });
  return answer;
}
