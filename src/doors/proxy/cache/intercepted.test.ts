/** What an interceptor answers in place of an origin: who gets it, and what is neither stored nor shared. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { type Answer, ask as askFor, type Question } from '../../../../test/rig/ask.ts';
import { CachingServer, type CachingServerOptions } from '../../../../test/rig/caching-server.ts';
import { HttpServer } from '../../../../test/rig/http-server.ts';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { openSocket } from '../../../../test/rig/raw-http.ts';
import { until } from '../../../../test/rig/until.ts';
import { VelocityError } from '../../../base/errors.ts';
import type {
  FileBody,
  InterceptedAnswer,
  InterceptedRequest,
  ResponseInterceptor,
} from '../../../http/response-interceptor.ts';
import { hasField } from '../../../http-cache/fields.ts';

interface Call {
  readonly request: InterceptedRequest;
  readonly body: string;
  readonly signal: AbortSignal;
  readonly answer: (given: Partial<InterceptedAnswer> & { readonly text?: string }) => void;
  readonly fail: (error: Error) => void;
}

/** Takes what says `X-Take`, reads it, and answers when the test does. */
class HeldInterceptor implements ResponseInterceptor {
  readonly calls: Call[] = [];

  takes(method: string, { fields }: { readonly fields: readonly string[] }): boolean {
    return method !== 'HEAD' && hasField(fields, 'x-take');
  }

  async answer(
    request: InterceptedRequest,
    _head: unknown,
    body: Readable,
    signal: AbortSignal,
  ): Promise<InterceptedAnswer> {
    const read = await text(body);
    const { promise, resolve, reject } = Promise.withResolvers<InterceptedAnswer>();
    signal.addEventListener('abort', () => reject(signal.reason));
    const answer: Call['answer'] = ({ text = '', status = 200, fields = [] }) =>
      resolve({
        status,
        fields: [...fields, 'Content-Length', `${text.length}`],
        body: Readable.from([text]),
      });
    this.calls.push({ request, body: read, signal, answer, fail: reject });
    return promise;
  }

  async call(n: number): Promise<Call> {
    await until(() => this.calls.length >= n);
    return this.calls[n - 1] as Call;
  }
}

/** With the body as text. */
async function ask(
  url: string,
  question?: Question,
): Promise<Omit<Answer, 'body'> & { readonly body: string }> {
  const answer = await askFor(url, question);
  return { ...answer, body: String(answer.body) };
}

type Head = Readonly<Record<string, string>>;

/** An origin whose answers are taken while it says so, behind a caching proxy. */
async function start(options: Partial<CachingServerOptions> = {}) {
  const stack = new AsyncDisposableStack();
  const interceptor = new HeldInterceptor();
  const said: { head: Head; status: number } = { head: { 'X-Take': '1' }, status: 200 };
  const asked: string[] = [];
  const origin = stack.use(
    await HttpServer.start((message, response) => {
      asked.push(message.method ?? '');
      response.writeHead(said.status, said.head);
      response.end('the question');
    }),
  );
  const clock = new ManualClock();
  const server = stack.use(
    await CachingServer.start({ origin: origin.url, clock, interceptors: [interceptor], ...options }),
  );
  const url = `${server.url}/thing`;
  return { interceptor, said, asked, clock, server, url, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const FRESH: Head = { 'Cache-Control': 'max-age=60' };

test('what is taken is answered for, with all that was asked, and is not stored however long it might last', async () => {
  await using held = await start();
  const { interceptor, said, server, url } = held;
  said.head = { ...FRESH, 'X-Take': '1', ETag: '"1"' };
  for (let n = 1; n <= 2; n++) {
    const asking = ask(url, { headers: { range: 'bytes=0-3', 'x-own': `${n}` } });
    const call = await interceptor.call(n);
    assert.deepEqual([call.body, call.request.method], ['the question', 'GET']);
    assert.deepEqual([call.request.headers.range, call.request.headers['x-own']], ['bytes=0-3', `${n}`]);
    call.answer({ text: 'made', status: 206, fields: ['X-Made', 'yes'] });
    const { status, body, headers } = await asking;
    assert.deepEqual([status, body, headers['x-made'], headers['etag']], [206, 'made', 'yes', undefined]);
    assert.match(String(headers['via']), /velocity/);
    assert.match(String(headers['cache-status']), /^velocity; fwd=/);
  }
  assert.equal(held.asked.length, 2);
  assert.equal(server.opened.store.index.size, 0);
  assert.deepEqual(
    server.ends.map((end) => typeof end === 'object' && end.outcome),
    ['intercepted', 'intercepted'],
  );
});

test('nobody waits in a row for what is taken: each asks the origin for itself', async () => {
  await using held = await start();
  const asking = Array.from({ length: 20 }, () => ask(held.url));
  await held.interceptor.call(20); // all at once: none of these has been answered
  held.interceptor.calls.forEach(({ answer }, n) => {
    answer({ text: `for ${n}` });
  });
  const bodies = (await Promise.all(asking)).map(({ body }) => body);
  assert.equal(new Set(bodies).size, 20);
});

test('the origin is done before what it asked for is', async () => {
  await using held = await start({ client: { maxConnections: 1 } });
  const { interceptor, said, url } = held;
  const slow = ask(url);
  const call = await interceptor.call(1);
  said.head = {};
  for (let n = 0; n < 10; n++) assert.equal((await ask(`${url}/${n}`)).body, 'the question');
  call.answer({ text: 'made' });
  assert.equal((await slow).body, 'made');
});

test('a client that leaves ends what was being done for it', async () => {
  await using held = await start();
  const socket = await openSocket(held.url);
  socket.write('GET /thing HTTP/1.1\r\nHost: a\r\n\r\n');
  const { signal } = await held.interceptor.call(1);
  assert.equal(signal.aborted, false);
  const aborted = once(signal, 'abort');
  socket.destroy();
  await aborted;
});

test('what is stored goes when the origin asks for something in its place, and is not sent where that fails', async () => {
  await using held = await start();
  const { said, interceptor, clock, server, url } = held;
  said.head = { 'Cache-Control': 'max-age=60, stale-if-error=600', ETag: '"1"' };
  assert.equal((await ask(url)).body, 'the question');
  assert.equal(server.opened.store.index.size, 1);
  clock.advance(61_000);
  said.head = { 'X-Take': '1' };
  const asking = ask(url);
  (await interceptor.call(1)).fail(new VelocityError('BUILD_FAILED', 'It could not be made.'));
  const { status, body } = await asking;
  assert.deepEqual([status, JSON.parse(body).code], [502, 'BUILD_FAILED']);
  assert.equal(server.opened.store.index.size, 0);
});

test('what is refreshed in the background builds nothing', async () => {
  await using held = await start();
  const { said, asked, interceptor, clock, url } = held;
  said.head = { 'Cache-Control': 'max-age=60, stale-while-revalidate=600' };
  await ask(url);
  clock.advance(61_000);
  said.head = { 'X-Take': '1' };
  assert.equal((await ask(url)).body, 'the question');
  await until(() => asked.length === 2);
  await until(() => held.server.proxy.flights === 0);
  assert.equal(interceptor.calls.length, 0);
});

test('a body that lies in a file is closed where its head cannot be sent', async () => {
  let isClosed = false;
  const body: FileBody = {
    stream: () => assert.fail('nobody reads it'),
    sendTo: () => assert.fail('nobody is sent it'),
    close() {
      isClosed = true;
    },
  };
  const broken: ResponseInterceptor = {
    takes: () => true,
    async answer(_request, _head, question) {
      question.resume();
      return { status: 200, fields: ['X-Bad', 'a\nb'], body };
    },
  };
  await using held = await start({ interceptors: [broken] });
  await assert.rejects(ask(held.url));
  assert.ok(isClosed);
});

test('an origin asks with any method, and a POST through the proxy is answered so', async () => {
  await using held = await start();
  const asking = ask(held.url, { method: 'POST', body: 'spec' });
  const call = await held.interceptor.call(1);
  assert.equal(call.request.method, 'POST');
  call.answer({ text: 'made' });
  assert.equal((await asking).body, 'made');
});
