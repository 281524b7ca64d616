/** Clients that ask before they send their body (RFC 9110 §10.1.1), byte by byte against the real process. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { digestOf } from '../../src/base/digest.ts';
import { download, negotiate } from '../rig/negotiate.ts';
import { openSocket, readAll } from '../rig/raw-http.ts';
import { ServerProcess, TEST_TOKEN } from '../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

let folder: TempFolder;
let server: ServerProcess;
before(async () => {
  folder = await openTempFolder();
  server = await ServerProcess.start({ VC_LOCAL_ROOT: folder.path, VC_ARTIFACT_MAX_SIZE: '1KiB' });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function head(line: string, length: number, headers: Readonly<Record<string, string>> = {}): string {
  const all = {
    host: 'x',
    authorization: `Bearer ${TEST_TOKEN}`,
    expect: '100-continue',
    ...headers,
    'content-length': String(length),
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return [`${line} HTTP/1.1`, ...lines, '', ''].join('\r\n');
}

/** What is answered to a head alone, until the server ends the connection. */
async function answerTo(text: string): Promise<string> {
  const socket = await openSocket(server.url);
  socket.write(text);
  return readAll(socket);
}

async function sendWhenAsked(text: string, body: string): Promise<string> {
  const socket = await openSocket(server.url);
  socket.write(text);
  const [interim] = (await once(socket, 'data')) as [Buffer];
  assert.equal(interim.toString(), CONTINUE);
  socket.write(body);
  return readAll(socket);
}

const closes = { connection: 'close' };

test('a token that is unknown, and a body that is too large, are refused before the body is sent', async () => {
  for (const path of ['/kv/a', '/v8/artifacts/abc', '/webdav/a']) {
    const unknown = await answerTo(head(`PUT ${path}`, 5, { authorization: 'Bearer unknown' }));
    assert.match(unknown, /^HTTP\/1.1 401 .*connection: close/is, path);
    assert.match(await answerTo(head(`PUT ${path}`, 2000)), /^HTTP\/1.1 413 .*connection: close/is, path);
  }
});

test('what Gradle would have dropped anyway is answered before it is sent', async () => {
  const answer = await answerTo(head('PUT /gradle/abc', 2000));
  assert.match(answer, /^HTTP\/1.1 200 .*x-velocity-error: BODY_TOO_LARGE/s);
});

test('an upload that is let in is asked for, stored, and not asked for again', async () => {
  assert.match(await sendWhenAsked(head('PUT /kv/b', 5, closes), 'hello'), /^HTTP\/1.1 201 /);
  assert.match(await answerTo(head('PUT /kv/b', 5)), /^HTTP\/1.1 200 /);
  const reply = await fetch(`${server.url}/kv/b`, { headers: { authorization: `Bearer ${TEST_TOKEN}` } });
  assert.equal(await reply.text(), 'hello');
});

test('a client that does not wait is answered all the same', async () => {
  const answer = await answerTo(`${head('PUT /kv/c', 5, closes)}hello`);
  assert.match(answer.replace(CONTINUE, ''), /^HTTP\/1.1 201 /);
});

test('a negotiation and the upload that it grants may both ask', async () => {
  const hash = digestOf(randomBytes(16));
  const message = JSON.stringify({ hash, action: 'upload' });
  const type = { 'content-type': 'application/json' };
  const line = 'POST /v1/negotiate';
  const answer = await sendWhenAsked(head(line, message.length, { ...closes, ...type }), message);
  assert.match(answer, /^HTTP\/1.1 200 .*upload_needed/s);
  const refused = await answerTo(head(line, message.length, { ...type, authorization: 'Bearer unknown' }));
  assert.match(refused, /^HTTP\/1.1 401 /);

  const { url, headers } = await negotiate(server.url, { hash, action: 'upload' }, 'upload_needed');
  const { pathname, search } = new URL(url);
  const put = `PUT ${pathname}${search}`;
  assert.match(await answerTo(head(`${put}x`, 5, headers)), /^HTTP\/1.1 403 /);
  assert.match(await answerTo(head(put, 2000, headers)), /^HTTP\/1.1 413 /);
  assert.match(await sendWhenAsked(head(put, 5, { ...headers, ...closes }), 'hello'), /^HTTP\/1.1 201 /);
  assert.equal((await download(server.url, hash))?.toString(), 'hello');
});

test('a client beyond its limit is told so before its body is sent', async () => {
  await using own = await openTempFolder();
  await using limited = await ServerProcess.start({ VC_LOCAL_ROOT: own.path, VC_LIMIT_REQUESTS: '1/h' });
  const answers = [];
  for (const path of ['/kv/a', '/kv/b']) {
    const socket = await openSocket(limited.url);
    socket.write(head(`PUT ${path}`, 5, closes));
    const [first] = (await once(socket, 'data')) as [Buffer];
    answers.push(first.toString().slice(0, 12));
    socket.destroy();
  }
  assert.deepEqual(answers, ['HTTP/1.1 100', 'HTTP/1.1 429']);
});
