import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { openSocket, readAll, sendRaw } from '../../test/rig/raw-http.ts';
import { openLogger } from '../telemetry/logger.ts';
import { createListener, type HttpApp } from './listener.ts';
import { type HttpMetrics, httpMetrics } from './metrics.ts';
import type { RequestLog } from './request-records.ts';

type Line = Readonly<Record<string, unknown>>;

/** A listener with some routes on a free port, what it logged and what it counted. */
class Rig implements AsyncDisposable {
  readonly app: HttpApp;
  readonly metrics: HttpMetrics;
  readonly clock = new ManualClock();
  readonly log: Line[] = [];
  /** The answers to `/slow`, which has begun and does not end by itself. */
  readonly slow: ServerResponse[] = [];
  readonly #ended: Promise<unknown>[] = [];

  private constructor(requestLog: RequestLog) {
    const logger = openLogger('debug', { write: (line) => void this.log.push(JSON.parse(line)) });
    this.metrics = httpMetrics(new Registry());
    this.app = createListener({ logger, metrics: this.metrics, clock: this.clock, requestLog });
    this.app.server.on('request', (_request, response) => this.#ended.push(once(response, 'close')));
    this.app.get('/fine/:id', async () => 'fine');
    this.app.get('/health', async () => 'up');
    this.app.get('/ready', async (_request, reply) => reply.code(503).send('no'));
    this.app.get('/bug', async () => {
      throw new Error('words for the log alone');
    });
    this.app.get('/slow', async (_request, reply) => {
      reply.hijack();
      reply.raw.writeHead(200, ['content-length', '100']);
      reply.raw.write('begun');
      this.slow.push(reply.raw);
    });
  }

  static async start(requestLog: RequestLog = 'all'): Promise<Rig> {
    const rig = new Rig(requestLog);
    await rig.app.listen({ host: '127.0.0.1', port: 0 });
    return rig;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.app.server.address() as AddressInfo).port}`;
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    const reply = await fetch(this.url + path, { headers });
    return { status: reply.status, headers: reply.headers, body: await reply.text() };
  }

  /** The request lines of the log, once every answer has ended on this side too. */
  async requestLines(): Promise<Line[]> {
    await Promise.all(this.#ended);
    return this.log.filter(({ message }) => message === 'request');
  }

  async requestsCounted(): Promise<Record<string, unknown>[]> {
    await Promise.all(this.#ended);
    return (await this.metrics.requests.get()).values.map(({ labels, value }) => ({ ...labels, value }));
  }

  async inFlight(): Promise<number | undefined> {
    return (await this.metrics.inFlight.get()).values[0]?.value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.app.server.closeAllConnections();
    await this.app.close();
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const HEAD = 'Host: x\r\nConnection: close\r\n';

describe('request ids', () => {
  test('an id that the client gives is kept', async () => {
    await using rig = await Rig.start();
    const { headers } = await rig.get('/fine/1', { 'x-request-id': 'trace-7.a_B' });
    assert.equal(headers.get('x-request-id'), 'trace-7.a_B');
    assert.equal((await rig.requestLines())[0]?.['requestId'], 'trace-7.a_B');
  });

  test('an id that is empty, too long or of other characters is replaced', async () => {
    await using rig = await Rig.start();
    for (const given of ['', 'a b', 'a"b', 'x'.repeat(65), '\u00e9', 'a, b']) {
      const { headers } = await rig.get('/fine/1', { 'x-request-id': given });
      assert.match(headers.get('x-request-id') ?? '', UUID, given);
    }
  });

  test('every answer has an id of its own, and a problem repeats it', async () => {
    await using rig = await Rig.start();
    const replies = [await rig.get('/nothing'), await rig.get('/nothing')];
    const ids = replies.map(({ headers }) => headers.get('x-request-id'));
    assert.equal(new Set(ids).size, 2);
    assert.deepEqual(
      replies.map(({ body }) => JSON.parse(body).requestId),
      ids,
    );
  });
});

describe('problems', () => {
  test('a bug is 500, its words go to the log with the request’s id and not to the client', async () => {
    await using rig = await Rig.start();
    const { status, headers, body } = await rig.get('/bug', { 'x-request-id': 'the-id' });
    assert.equal(status, 500);
    assert.equal(headers.get('content-type'), 'application/problem+json');
    assert.ok(!body.includes('words for the log'));
    const line = rig.log.find(({ level }) => level === 'error');
    assert.equal(line?.['requestId'], 'the-id');
    assert.match(JSON.stringify(line), /words for the log alone/);
  });

  test('an address that is not there is told without its query', async () => {
    await using rig = await Rig.start();
    const { status, body } = await rig.get('/nothing?sig=abc');
    assert.deepEqual([status, JSON.parse(body).detail], [404, 'There is nothing at /nothing.']);
  });

  test('a method that an address does not take is a 405 that names those it takes', async () => {
    await using rig = await Rig.start();
    const reply = await fetch(`${rig.url}/fine/1?sig=abc`, { method: 'DELETE' });
    assert.deepEqual([reply.status, reply.headers.get('allow')], [405, 'GET, HEAD']);
    const { code, detail } = (await reply.json()) as Record<string, unknown>;
    assert.deepEqual([code, detail], ['METHOD_NOT_ALLOWED', '/fine/1 takes GET, HEAD, not DELETE.']);
  });

  test('an address that cannot be decoded is a 400 problem with an id, is counted and logged', async () => {
    await using rig = await Rig.start();
    const { status, headers, body } = await rig.get('/fine/%zz');
    assert.equal(status, 400);
    assert.equal(headers.get('content-type'), 'application/problem+json');
    const problem = JSON.parse(body);
    assert.deepEqual([problem.code, problem.field], ['BAD_REQUEST', 'path']);
    assert.equal(problem.requestId, headers.get('x-request-id'));
    assert.deepEqual(await rig.requestsCounted(), [
      { route: 'unmatched', method: 'GET', code: '400', value: 1 },
    ]);
    assert.equal((await rig.requestLines())[0]?.['status'], 400);
  });
});

describe('what is no HTTP', () => {
  let rig: Rig;
  before(async () => {
    rig = await Rig.start();
  });
  after(() => rig[Symbol.asyncDispose]());

  const refused: [string, string, number][] = [
    ['garbage', 'hello\r\n\r\n', 400],
    ['an unknown method', `BREW / HTTP/1.1\r\n${HEAD}\r\n`, 400],
    ['two lengths', `POST / HTTP/1.1\r\n${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx`, 400],
    ['a length that is none', `POST / HTTP/1.1\r\n${HEAD}Content-Length: -1\r\n\r\n`, 400],
    [
      'a length beside chunks',
      `POST / HTTP/1.1\r\n${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['an unknown transfer coding', `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: gzip\r\n\r\n`, 400],
    ['a header without a name', `GET / HTTP/1.1\r\n${HEAD}: x\r\n\r\n`, 400],
    ['a header of 20,000 bytes', `GET / HTTP/1.1\r\n${HEAD}X: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
  ];
  for (const [what, text, status] of refused) {
    test(`${what} is ${status}, and the connection ends`, async () => {
      const answer = await sendRaw(rig.url, text);
      assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
      assert.match(answer, /\r\nConnection: close\r\n/i);
    });
  }

  test('garbage behind a request that was answered is answered too', async () => {
    const socket = await openSocket(rig.url);
    socket.write('GET /fine/1 HTTP/1.1\r\nHost: x\r\n\r\n');
    const [first] = (await once(socket, 'data')) as [Buffer];
    assert.match(first.toString(), /^HTTP\/1.1 200 /);
    socket.write('garbage\r\n\r\n');
    assert.match(await readAll(socket), /^HTTP\/1.1 400 /);
  });

  test('garbage in the middle of an answer ends the connection and adds nothing to the answer', async () => {
    const socket = await openSocket(rig.url);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
    while (!Buffer.concat(chunks).includes('begun')) await once(socket, 'data');
    socket.write('garbage\r\n\r\n');
    await once(socket, 'close');
    assert.match(Buffer.concat(chunks).toString(), /\r\n\r\nbegun$/);
  });

  test('a server that was sent garbage goes on serving', async () => {
    await sendRaw(rig.url, '\x16\x03\x01\x02\x00\x01\x00'); // a TLS greeting
    assert.match(await sendRaw(rig.url, `GET /fine/1 HTTP/1.1\r\n${HEAD}\r\n`), /^HTTP\/1.1 200 /);
  });
});

describe('metrics', () => {
  test('requests are counted by the pattern of their route, not by their address', async () => {
    await using rig = await Rig.start();
    await rig.get('/fine/1');
    await rig.get('/fine/2?x=1');
    await rig.get('/nothing/1');
    await rig.get('/nothing/2');
    assert.deepEqual(await rig.requestsCounted(), [
      { route: '/fine/:id', method: 'GET', code: '200', value: 2 },
      { route: 'unmatched', method: 'GET', code: '404', value: 2 },
    ]);
  });

  test('an answer the client did not wait for is counted as aborted, and is no longer in flight', async () => {
    await using rig = await Rig.start();
    const socket = await openSocket(rig.url);
    socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');
    assert.equal(await rig.inFlight(), 1);
    const [answer] = rig.slow;
    assert.ok(answer);
    const closed = once(answer, 'close');
    socket.destroy();
    await closed;
    assert.deepEqual(await rig.requestsCounted(), [
      { route: '/slow', method: 'GET', code: 'aborted', value: 1 },
    ]);
    assert.equal(await rig.inFlight(), 0);
  });

  test('a duration runs from the head of a request to the end of its answer', async () => {
    await using rig = await Rig.start();
    const socket = await openSocket(rig.url);
    socket.write(`GET /slow HTTP/1.1\r\n${HEAD}\r\n`);
    await once(socket, 'data');
    rig.clock.advance(2_500);
    rig.slow[0]?.end('x'.repeat(95));
    await readAll(socket);
    assert.equal((await rig.requestLines())[0]?.['ms'], 2_500);
    const { values } = await rig.metrics.durations.get();
    assert.equal(values.find(({ metricName }) => metricName?.endsWith('_sum'))?.value, 2.5);
  });
});

describe('request lines', () => {
  /** The paths that were logged, of one request each that is fine, fails, and probes. */
  async function pathsLogged(requestLog: RequestLog): Promise<unknown[]> {
    await using rig = await Rig.start(requestLog);
    for (const url of ['/fine/1?sig=abc', '/nothing?sig=abc', '/health']) await rig.get(url);
    return (await rig.requestLines()).map(({ path }) => path);
  }

  test('all requests are logged but probes, by their path without the query', async () => {
    assert.deepEqual(await pathsLogged('all'), ['/fine/1', '/nothing']);
  });

  test('of errors only those that failed are logged', async () => {
    assert.deepEqual(await pathsLogged('errors'), ['/nothing']);
  });

  test('with none no request is logged', async () => {
    assert.deepEqual(await pathsLogged('none'), []);
  });

  test('a probe that fails is logged', async () => {
    await using rig = await Rig.start();
    assert.equal((await rig.get('/ready')).status, 503);
    assert.deepEqual(
      (await rig.requestLines()).map(({ path, status }) => [path, status]),
      [['/ready', 503]],
    );
  });
});
