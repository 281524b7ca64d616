/** Clients that hold up, flood or overfill a running gateway: they are refused or borne, and all others are answered. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as pause, setImmediate } from 'node:timers/promises';
import { openSocket, readAll } from '../rig/raw-http.ts';
import { ServerProcess } from '../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';

const TOKEN = 'a-token-for-objects-0123456789';
const AUTHORIZATION = `Authorization: Bearer ${TOKEN}`;
const MIB = 1024 * 1024;
const LARGE_BYTES = 64 * MIB;
/** Many times what an answer takes here, and much less than any limit of time. */
const PROMPT_MS = 10_000;

let folder: TempFolder;
let server: ServerProcess;
const sockets: Socket[] = [];
before(async () => {
  folder = await openTempFolder();
  server = await ServerProcess.start({
    VC_AUTH_TOKEN: '',
    VC_AUTH_BEARER_TOKEN: TOKEN,
    VC_LOG_REQUESTS: 'none',
    VC__CACHE__MAX_MEMORY: '32MiB',
    VC__STORES__media__TYPE: 'local',
    VC__STORES__media__ROOT: join(folder.path, 'media'),
  });
  assert.equal((await put('small', Buffer.from('small'))).status, 201);
  assert.equal((await put('large', Buffer.alloc(LARGE_BYTES, 'large'))).status, 201);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function put(name: string, body: Buffer): Promise<Response> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  return fetch(`${server.url}/media/${name}`, { method: 'PUT', headers, body: new Uint8Array(body) });
}

function head(target: string, ...fields: string[]): string {
  return [`GET ${target} HTTP/1.1`, 'Host: a', AUTHORIZATION, ...fields, '', ''].join('\r\n');
}

async function connect(): Promise<Socket> {
  const socket = await openSocket(server.url);
  sockets.push(socket);
  return socket;
}

/** Another client gets its objects, one that is hot and one that is asked of the store, at once. */
async function assertOthersAreAnswered(): Promise<void> {
  const startedAt = performance.now();
  const headers = { authorization: `Bearer ${TOKEN}` };
  for (const range of [undefined, 'bytes=0-4']) {
    const url = `${server.url}/media/${range ? 'large' : 'small'}`;
    const answer = await fetch(url, { headers: range ? { ...headers, range } : headers });
    assert.equal(await answer.text(), range ? 'large' : 'small');
  }
  const took = performance.now() - startedAt;
  assert.ok(took < PROMPT_MS, `${took} ms`);
}

/** What the process has in memory, in bytes. */
function residentBytes(): number {
  const [, kibibytes] =
    /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

const skip = process.platform === 'linux' ? false : 'reads /proc';

test('300 half-sent heads and a body of a byte at a time hold up nobody', { skip }, async () => {
  const before = residentBytes();
  for (let n = 0; n < 300; n++) (await connect()).write(head('/media/small').slice(0, 20 + (n % 40)));
  const dripping = await connect();
  dripping.write(head('/media/dripping', 'Content-Length: 1000').replace('GET', 'PUT'));
  for (let n = 0; n < 5; n++) {
    dripping.write('x');
    for (let asked = 0; asked < 10; asked++) await assertOthersAreAnswered();
    await pause(200);
  }
  const grown = residentBytes() - before;
  assert.ok(grown < 48 * MIB, `${grown}`);
});

test('readers that stop after the head of a large object do not have it in memory', { skip }, async () => {
  const before = residentBytes();
  for (let n = 0; n < 20; n++) {
    const socket = await connect();
    socket.write(head('/media/large'));
    await once(socket, 'readable');
  }
  await pause(500);
  await assertOthersAreAnswered();
  const grown = residentBytes() - before;
  assert.ok(grown < LARGE_BYTES, `${grown} for 20 readers`);
});

for (const [what, expected, text] of [
  ['64 KiB of fields', /^HTTP\/1\.1 431 /, head('/media/small', `X-Long: ${'x'.repeat(64 * 1024)}`)],
  [
    '10,000 fields',
    /^HTTP\/1\.1 4(31|00) /,
    head('/media/small', ...Array.from({ length: 10_000 }, (_, n) => `X-${n}: y`)),
  ],
  ['a target of 1 MB', /^HTTP\/1\.1 4(14|31|00) /, head(`/media/${'x'.repeat(1_000_000)}`)],
] as const)
  test(`${what} are refused, and the next client is answered`, async () => {
    const socket = await connect();
    socket.write(text);
    assert.match(await readAll(socket), expected);
    await assertOthersAreAnswered();
  });

test('1,000 requests that are sent at once are answered in order', async () => {
  const COUNT = 1_000;
  const socket = await connect();
  const answers = readAll(socket);
  for (let n = 0; n < COUNT; n++)
    socket.write(head(n % 2 ? '/media/small' : '/media/none', `X-Request-Id: request-${n}`));
  socket.write(head('/media/small', 'X-Request-Id: last', 'Connection: close'));
  await setImmediate();
  await assertOthersAreAnswered();
  const text = await answers;
  const heads = [...text.matchAll(/HTTP\/1\.1 (\d+) [^\r]*\r\nx-request-id: ([^\r]*)\r\n/g)];
  const expected = Array.from({ length: COUNT }, (_, n) => [n % 2 ? '200' : '404', `request-${n}`]);
  assert.deepEqual(
    heads.map(([, status, id]) => [status, id]),
    [...expected, ['200', 'last']],
  );
});

test('a fast flood of hot requests in one piece is answered in full', async () => {
  const COUNT = 1_000;
  const socket = await connect();
  const answers = readAll(socket);
  socket.write(head('/media/small').repeat(COUNT) + head('/media/small', 'Connection: close'));
  const text = await answers;
  assert.equal(text.match(/HTTP\/1\.1 200 OK\r\n/g)?.length, COUNT + 1);
  assert.equal(text.match(/\r\n\r\nsmall/g)?.length, COUNT + 1);
});
