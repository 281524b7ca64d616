/** Byte by byte, as clients with `Expect: 100-continue` see it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { Registry } from '@prometheus-io/client';
import { ManualClock } from '../../test/rig/manual-clock.ts';
import { openSocket, readAll } from '../../test/rig/raw-http.ts';
import { until } from '../../test/rig/until.ts';
import { VelocityError } from '../base/errors.ts';
import { openLogger } from '../telemetry/logger.ts';
import { createListener, type HttpApp } from './listener.ts';
import { httpMetrics } from './metrics.ts';
import { toProblem, writeProblem } from './problem.ts';
import { leaveBodiesUnread, rawRoute } from './raw-route.ts';
import { boundedBody, drainRest } from './transfer.ts';

const LIMIT = 10;

let app: HttpApp;
before(async () => {
  app = createListener({
    logger: openLogger('silent'),
    metrics: httpMetrics(new Registry()),
    clock: new ManualClock(),
    requestLog: 'none',
  });
  app.addHook('onRequest', async (request) => {
    await Promise.resolve(); // as where keys of an issuer are fetched
    if (request.headers.authorization === undefined) throw new VelocityError('UNAUTHORIZED', 'Who are you?');
  });
  app.post('/json', async (request) => request.body);
  app.register(async (scope) => {
    leaveBodiesUnread(scope as HttpApp);
    scope.put(
      '/blob',
      rawRoute(
        async ({ raw }, response) => {
          const chunks = await boundedBody(raw, LIMIT).toArray();
          response.writeHead(200, ['content-length', String(Buffer.concat(chunks).length)]);
          response.end(Buffer.concat(chunks));
        },
        (error, request, response) => {
          writeProblem(response, toProblem(error, request.id));
          drainRest(request.raw);
        },
      ),
    );
    scope.put(
      '/unwanted',
      rawRoute(
        async ({ raw }, response) => {
          drainRest(raw); // before the answer, too
          response.writeHead(200, ['content-length', '0']);
          response.end();
        },
        () => {},
      ),
    );
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
});
after(() => app.close());

const url = (): string => `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;

function head(line: string, length: number, extra: readonly string[] = ['Authorization: x']): string {
  return [
    `${line} HTTP/1.1`,
    'Host: x',
    'Expect: 100-continue',
    `Content-Length: ${length}`,
    'Content-Type: application/json',
    ...extra,
    '',
    '',
  ].join('\r\n');
}

/** What is answered to a head until the server ends the connection, with no byte of a body sent. */
async function answerTo(text: string): Promise<string> {
  const socket = await openSocket(url());
  socket.write(text);
  return readAll(socket);
}

/** Sends the head, waits for the 100, sends the body; all that came after the 100. */
async function sendWhenAsked(text: string, body: string): Promise<string> {
  const socket = await openSocket(url());
  socket.write(text);
  const [interim] = (await once(socket, 'data')) as [Buffer];
  assert.equal(interim.toString(), 'HTTP/1.1 100 Continue\r\n\r\n');
  socket.write(body);
  let answer = '';
  socket.on('data', (chunk: Buffer) => {
    answer += chunk.toString();
  });
  await until(async () => answer.endsWith(body));
  // The connection is as good as any other's.
  socket.write('GET /nothing HTTP/1.1\r\nHost: x\r\nAuthorization: x\r\nConnection: close\r\n\r\n');
  await once(socket, 'close');
  assert.match(answer, /HTTP\/1.1 404 /);
  return answer;
}

test('who is refused is told so before the body is sent, and the connection ends', async () => {
  for (const line of ['PUT /blob', 'POST /json']) {
    const answer = await answerTo(head(line, 5, []));
    assert.match(answer, /^HTTP\/1.1 401 /);
    assert.match(answer, /connection: close/i);
  }
});

test('a body that is announced too large is told so before it is sent, and the connection ends', async () => {
  for (const [line, length] of [
    ['PUT /blob', LIMIT + 1],
    ['POST /json', 2 ** 20 + 1],
  ] as const) {
    const answer = await answerTo(head(line, length));
    assert.match(answer, /^HTTP\/1.1 413 /);
    assert.match(answer, /connection: close/i);
  }
});

test('a body that nobody needs is not asked for, also where the rest is drained before the answer', async () => {
  const answer = await answerTo(head('PUT /unwanted', 5));
  assert.match(answer, /^HTTP\/1.1 200 /);
  assert.match(answer, /connection: close/i);
});

test('what follows an early answer is no request', async () => {
  const paths: (string | undefined)[] = [];
  const onRequest = ({ url: path }: IncomingMessage) => void paths.push(path);
  app.server.on('request', onRequest);
  const socket = await openSocket(url());
  socket.write(head('PUT /blob', LIMIT + 1));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1.1 413 /);
  socket.write('GET /next HTTP/1.1\r\nHost: x\r\nAuthorization: x\r\n\r\n');
  assert.equal(await readAll(socket), '');
  app.server.off('request', onRequest);
  assert.deepEqual(paths, ['/blob']);
});

test('a body that is read is asked for once, and the connection goes on', async () => {
  assert.match(await sendWhenAsked(head('PUT /blob', 5), 'hello'), /^HTTP\/1.1 200 /);
  const message = '{"a":[1,2,3]}';
  assert.match(await sendWhenAsked(head('POST /json', message.length), message), /^HTTP\/1.1 200 /);
});

test('a client that does not wait is answered all the same', async () => {
  for (const body of ['hello', '']) {
    const answer = await answerTo(
      head('PUT /blob', body.length, ['Authorization: x', 'Connection: close']) + body,
    );
    assert.match(
      answer,
      new RegExp(`^(HTTP/1.1 100 Continue\r\n\r\n)?HTTP/1.1 200 [\\s\\S]*\r\n\r\n${body}$`),
    );
  }
  assert.match(await answerTo(`${head('PUT /blob', 5, [])}hello`), /^HTTP\/1.1 401 /);
});

test('an expectation that is none of HTTP is 417', async () => {
  const text = head('PUT /blob', 5).replace('100-continue', 'wonders');
  assert.match(await answerTo(text.replace('Host', 'Connection: close\r\nHost')), /^HTTP\/1.1 417 /);
});
