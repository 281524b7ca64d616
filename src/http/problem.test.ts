import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpServer } from '../../test/rig/http-server.ts';
import { VelocityError } from '../base/errors.ts';
import { toProblem, writeProblem } from './problem.ts';

const TOO_LARGE = new VelocityError('BODY_TOO_LARGE', 'The body has 5 bytes; the limit is 4.', {
  field: 'body',
});

test('a failure is told with its code, its status, its words, its field and the request’s id', () => {
  assert.deepEqual(toProblem(TOO_LARGE, 'id-1'), {
    type: 'urn:velocitycache:error:body-too-large',
    title: 'The body is larger than the configured limit.',
    status: 413,
    detail: 'The body has 5 bytes; the limit is 4.',
    code: 'BODY_TOO_LARGE',
    field: 'body',
    requestId: 'id-1',
  });
});

test('a failure of no field tells of none', () => {
  assert.ok(!('field' in toProblem(new VelocityError('NOT_FOUND', 'Gone.'), 'id-1')));
});

test('a bug is told without its message, whatever was thrown', () => {
  for (const thrown of [
    new Error('SELECT secret'),
    'secret',
    { statusCode: 404, message: 'secret' },
    null,
    undefined,
  ]) {
    const problem = toProblem(thrown, 'id-1');
    assert.deepEqual([problem.status, problem.code], [500, 'INTERNAL']);
    assert.ok(!JSON.stringify(problem).includes('secret'));
  }
});

test('a problem is written with its media type and its length in bytes', async () => {
  await using server = await HttpServer.start((_request, response) =>
    writeProblem(response, toProblem(new VelocityError('NOT_FOUND', 'Nichts für “dich”.'), 'id-1')),
  );
  const reply = await fetch(server.url);
  const body = await reply.text();
  assert.equal(reply.status, 404);
  assert.equal(reply.headers.get('content-type'), 'application/problem+json');
  assert.equal(reply.headers.get('content-length'), String(Buffer.byteLength(body)));
  assert.equal(JSON.parse(body).detail, 'Nichts für “dich”.');
});

test('headers that were set before go out with the problem', async () => {
  await using server = await HttpServer.start((_request, response) => {
    response.setHeader('content-range', 'bytes */10');
    writeProblem(response, toProblem(new VelocityError('RANGE_UNSATISFIABLE', 'Outside.'), 'id-1'));
  });
  const reply = await fetch(server.url);
  assert.deepEqual([reply.status, reply.headers.get('content-range')], [416, 'bytes */10']);
});

test('after the head of an answer a problem cuts the connection, so that the answer is not taken for whole', async () => {
  await using server = await HttpServer.start((_request, response) => {
    response.writeHead(200);
    response.write('begun');
    writeProblem(response, toProblem(TOO_LARGE, 'id-1'));
  });
  await assert.rejects(async () => (await fetch(server.url)).text());
});
