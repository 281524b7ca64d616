import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import fastify from 'fastify';
import { HttpServer } from '../../test/rig/http-server.ts';
import { until } from '../../test/rig/until.ts';
import { VelocityError } from '../base/errors.ts';
import { interceptResponses } from './intercept-responses.ts';
import type { FileBody, InterceptedAnswer, ResponseInterceptor } from './response-interceptor.ts';

/** Takes what has the field X-Take, and answers with the body in capitals and the fields it saw. */
const shouting: ResponseInterceptor = {
  takes: (_request, { fields }) => fields.some((field) => field.toLowerCase() === 'x-take'),
  async answer(_request, { status, fields }, body): Promise<InterceptedAnswer> {
    const said = Buffer.from((await text(body)).toUpperCase());
    return {
      status: 200,
      fields: ['x-was', `${status} ${fields.join(' ')}`, 'content-length', String(said.length)],
      body: Readable.from([said]),
    };
  },
};

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

async function ask(handler: Handler, interceptor = shouting): Promise<Response> {
  const middleware = interceptResponses(interceptor);
  await using server = await HttpServer.start((request, response) =>
    middleware(request, response, () => handler(request, response)),
  );
  const response = await fetch(server.url);
  const body = await response.text();
  return new Response(response.status === 204 ? null : body, {
    status: response.status,
    headers: response.headers,
  });
}

describe('a response that the interceptor takes', () => {
  const handlers: Record<string, Handler> = {
    'with fields that were set': (_request, response) => {
      response.setHeader('X-Take', '1');
      response.statusCode = 202;
      response.end('hello');
    },
    'with fields of its head': (_request, response) => {
      response.writeHead(202, { 'X-Take': '1' }).end('hello');
    },
    'with a list of fields and a reason': (_request, response) => {
      response.writeHead(202, 'Fine', ['X-Take', '1']);
      response.write('hel');
      response.end('lo', 'utf8', () => {});
    },
    'piped from a stream': (_request, response) => {
      response.writeHead(202, { 'X-Take': '1' });
      Readable.from(['hel', 'lo']).pipe(response);
    },
  };
  for (const [how, handler] of Object.entries(handlers))
    test(`is answered by it, ${how}`, async () => {
      const response = await ask(handler);
      assert.deepEqual([response.status, await response.text()], [200, 'HELLO']);
      assert.equal(response.headers.get('x-was')?.toLowerCase(), '202 x-take 1');
      assert.equal(response.headers.has('x-take'), false);
    });

  test('is answered by it, of fastify', async () => {
    const app = fastify();
    const middleware = interceptResponses(shouting);
    app.addHook('onRequest', (request, reply, done) => middleware(request.raw, reply.raw, done));
    app.get('/', (_request, reply) => reply.header('x-take', '1').send('hello'));
    await app.listen({ host: '127.0.0.1', port: 0 });
    const response = await fetch(app.listeningOrigin);
    assert.deepEqual([response.status, await response.text()], [200, 'HELLO']);
    await app.close();
  });

  test('is a problem where the interceptor fails', async () => {
    const response = await ask((_request, answer) => answer.writeHead(200, { 'x-take': '1' }).end('hello'), {
      takes: () => true,
      answer: () => Promise.reject(new VelocityError('BUILD_FAILED', 'It does not compile.')),
    });
    assert.equal(response.status, 502);
    assert.match(await response.text(), /It does not compile/);
  });

  test('has its body closed where its head cannot be sent', async () => {
    let isClosed = false;
    const body: FileBody = {
      stream: () => assert.fail('nobody reads it'),
      sendTo: () => assert.fail('nobody is sent it'),
      close() {
        isClosed = true;
      },
    };
    const broken = { ...shouting, answer: async () => ({ status: 200, fields: ['x-bad', 'a\nb'], body }) };
    const response = await ask(
      (_request, reply) => void reply.writeHead(200, { 'X-Take': '1' }).end(),
      broken,
    );
    assert.deepEqual([response.status, isClosed], [500, true]);
  });

  test('that the interceptor does not want to its end does not hold up whoever writes it', async () => {
    const source = Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(10_000)));
    const response = await ask((_request, answer) => source.pipe(answer.writeHead(200, { 'x-take': '1' })), {
      takes: () => true,
      async answer(_request, _head, body) {
        body.destroy();
        await until(() => source.readableEnded);
        return { status: 204, fields: [], body: undefined };
      },
    });
    assert.equal(response.status, 204);
  });

  test('is given up when the client leaves', async () => {
    const told: AbortSignal[] = [];
    const middleware = interceptResponses({
      takes: () => true,
      answer(_request, _head, _body, signal) {
        told.push(signal);
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        });
      },
    });
    await using server = await HttpServer.start((request, response) =>
      middleware(request, response, () => response.end('hello')),
    );
    const leaving = new AbortController();
    const left = assert.rejects(fetch(server.url, { signal: leaving.signal }));
    await until(() => told.length > 0);
    leaving.abort();
    await left;
    await until(() => told[0]?.aborted === true);
  });
});

test('any other response goes out as it is', async () => {
  const response = await ask((_request, answer) => {
    answer.setHeader('x-set', 'a');
    answer.writeHead(201, { 'x-given': 'b' });
    answer.write('hel');
    answer.end('lo');
  });
  assert.deepEqual([response.status, await response.text()], [201, 'hello']);
  assert.deepEqual([response.headers.get('x-set'), response.headers.get('x-given')], ['a', 'b']);
});
