import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { ORIGIN_CLIENTS } from '../../../../test/rig/origin-clients.ts';
import { Barrier, type Script, ScriptedOrigin } from '../../../../test/rig/scripted-origin.ts';
import { until } from '../../../../test/rig/until.ts';
import { openOrigin } from './open-origin.ts';
import type { OriginClient, OriginRequest } from './origin-client.ts';
import { OriginError } from './origin-error.ts';
import { ORIGIN_DEFAULTS, type OriginSettings } from './origin-settings.ts';

const GET: OriginRequest = { method: 'GET', target: '/', fields: ['Host', 'a'] };
const POST: OriginRequest = { ...GET, method: 'POST' };
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Answers every request on a connection alike. */
const answers =
  (answer: string): Script =>
  async (connection) => {
    for await (const _ of connection.heads()) connection.send(answer);
  };

/** What answers are made of. */
const PIECES = [
  'HTTP/1.1 200 OK\r\n',
  'HTTP/1.1 404 Not Found\r\n',
  'HTTP/1.0 200 OK\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\n',
  'Content-Length: 5\r\n',
  'content-length: 10\r\n',
  'Transfer-Encoding: chunked\r\n',
  'X-A: b\r\n',
  'X-B:  c \r\n',
  'Keep-Alive: timeout=1\r\n',
  'Connection: close\r\n',
  '\r\n',
  '\r\n',
  'hello',
  '5\r\nhello\r\n',
  '5;x=y\r\nhello\r\n',
  '0\r\n\r\n',
  '0\r\nX: y\r\n\r\n',
];

test('an answer is the same, or fails in the same way, as that of a client of Node’s', async () => {
  const answer = fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(answer, fc.constantFrom('GET', 'HEAD'), async (pieces, method) => {
      const outcomes = ORIGIN_CLIENTS.map(([, open]) => outcomeOf(open, pieces.join(''), method));
      const [byNode, byUs] = await Promise.all(outcomes);
      assert.deepEqual(byUs, byNode);
    }),
    { numRuns: 300 },
  );
});

test('a connection whose answer Node had to read serves the next request, too', async () => {
  const trailed = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n';
  await using origin = await ScriptedOrigin.start([answers(trailed)]);
  using client = openClient(origin);
  for (const isReused of [false, true, true]) {
    const answer = await client.send(GET);
    assert.equal(answer.isReused, isReused);
    assert.equal((await answer.body.toArray()).join(''), 'ok');
    assert.deepEqual(answer.trailers(), ['X', 'y']);
    await until(async () => origin.connections === 1);
  }
});

test('a body whose rest comes late is a stream, and its connection serves the next request', async () => {
  const [first, rest] = [OK.slice(0, -2), 'ok'];
  const begun = new Barrier(2);
  await using origin = await ScriptedOrigin.start([
    async (connection) => {
      await connection.head();
      connection.send(first);
      await begun.reach();
      connection.send(rest);
      await connection.head();
      connection.send(OK);
      await connection.closed;
    },
  ]);
  using client = openClient(origin);
  const { body, bytes } = await client.send(GET);
  assert.equal(bytes, undefined);
  await begun.reach();
  assert.equal((await body.toArray()).join(''), 'ok');
  assert.equal((await client.send(GET)).isReused, true);
});

test('there are no more connections than allowed, whichever requests they are for', async () => {
  let asked = 0;
  const gate = Promise.withResolvers<void>();
  const script: Script = async (connection) => {
    for await (const _ of connection.heads()) {
      asked += 1;
      await gate.promise;
      connection.send(OK);
    }
  };
  await using origin = await ScriptedOrigin.start(Array.from({ length: 40 }, () => script));
  using client = openClient(origin, { maxConnections: 2 });
  const requests = [GET, POST, GET, GET, POST, POST, GET, POST];
  const sent = requests.map(async (request) => (await client.send(request)).body.toArray());
  await until(async () => asked === 2);
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  assert.equal(asked, 2);
  assert.equal(origin.connections, 2);
  gate.resolve();
  for (const body of await Promise.all(sent)) assert.equal(body.join(''), 'ok');
});

test('whoever waits for a slot has it in turn, whichever requests keep the others busy', async () => {
  await using origin = await ScriptedOrigin.start(Array.from({ length: 400 }, () => answers(OK)));
  using client = openClient(origin, { maxConnections: 2 });
  let isOver = false;
  const busy = Array.from({ length: 6 }, async () => {
    for (let n = 0; n < 300 && !isOver; n++) await client.send(GET);
  });
  for (let n = 0; n < 3; n++) {
    const others = ['DELETE', 'POST', 'PUT', 'DELETE', 'POST'].map((method) => ({ ...GET, method }));
    await Promise.all(others.map(async (request) => (await client.send(request)).body.toArray()));
  }
  assert.equal(isOver, false);
  isOver = true;
  await Promise.all(busy);
});

test('each who finds no slot has another idle connection closed', async () => {
  await using origin = await ScriptedOrigin.start(Array.from({ length: 6 }, () => answers(OK)));
  using client = openClient(origin, { maxConnections: 2 });
  const twice = (request: OriginRequest) =>
    Promise.all([1, 2].map(async () => (await client.send(request)).body.toArray()));
  await twice(POST);
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  await twice(GET);
  await twice(POST);
});

test('a request that is over while it waits for a slot opens no connection', async () => {
  for (const request of [GET, POST]) {
    const gate = Promise.withResolvers<void>();
    await using origin = await ScriptedOrigin.start([
      async (connection) => {
        await connection.head();
        await gate.promise;
        connection.send(OK);
        await connection.closed;
      },
      answers(OK),
    ]);
    using client = openClient(origin, { maxConnections: 1 });
    const first = client.send(GET);
    const gone = new AbortController();
    const second = client.send(request, { signal: gone.signal });
    await until(async () => origin.connections === 1);
    gone.abort(new Error('gone'));
    await assert.rejects(second, { message: 'gone' });
    gate.resolve();
    await first;
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    assert.equal(origin.connections, 1);
  }
});

test('a request is said again once, and who is aborted while it waits for that leaves no slot taken', async () => {
  for (const isAborted of [false, true]) {
    const bye: Script = async (connection) => {
      await connection.head();
      connection.send(OK);
      await connection.head();
      connection.end();
      await connection.closed;
    };
    const clock = new ManualClock();
    await using origin = await ScriptedOrigin.start([bye, bye, answers(OK)]);
    using client = openClient(origin, { maxConnections: 1, clock });
    await client.send(GET);
    const gone = new AbortController();
    const again = client.send(GET, { signal: gone.signal });
    const other = client.send({ ...GET, target: '/other' });
    if (isAborted) {
      gone.abort(new Error('gone'));
      await assert.rejects(again, { message: 'gone' });
      await other;
    } else await Promise.allSettled([again, other]);
    assert.ok(origin.connections <= 3);
    const { body } = await client.send(GET);
    assert.equal((await body.toArray()).join(''), 'ok');
  }
});

test('a body that nobody reads yet does not stand still', async () => {
  const begun = new Barrier(2);
  await using origin = await ScriptedOrigin.start([
    async (connection) => {
      await connection.head();
      connection.send('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n');
      await begun.reach();
      connection.send('hello');
      await connection.closed;
    },
  ]);
  const clock = new ManualClock();
  using client = openClient(origin, { clock });
  const { body } = await client.send(GET);
  clock.advance(10 * ORIGIN_DEFAULTS.headersTimeout);
  await begun.reach();
  assert.equal((await body.toArray()).join(''), 'hello');
});

test('closing fails those who wait for a slot, and those who come after it', async () => {
  await using origin = await ScriptedOrigin.start([
    async (connection) => {
      await connection.head();
      await connection.closed;
    },
  ]);
  const client = openOrigin({
    ...ORIGIN_DEFAULTS,
    ...{ clock: new ManualClock(), url: origin.url, maxConnections: 1 },
  });
  const sent = [client.send(GET), client.send(GET)];
  for (const one of sent) one.catch(() => {});
  await until(async () => origin.connections === 1);
  client.close();
  for (const one of sent) await assert.rejects(one, { failure: 'reset' });
  await assert.rejects(client.send(GET), { failure: 'reset' });
  await origin.done();
  assert.equal(origin.connections, 1);
});

test('a connection is not used again when the origin is about to close it', async () => {
  const soon = 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok';
  const later = soon.replace('=1', '=3');
  await using origin = await ScriptedOrigin.start([answers(soon), answers(later), answers(OK)]);
  const clock = new ManualClock();
  using client = openClient(origin, { clock });
  await client.send(GET);
  assert.equal((await client.send(GET)).isReused, false);
  clock.advance(1_999);
  assert.equal((await client.send(GET)).isReused, true);
  clock.advance(2_000);
  assert.equal((await client.send(GET)).isReused, false);
});

test('of an answer that Node had to read that is heeded, too', async () => {
  const soon = 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nTransfer-Encoding: chunked\r\n\r\n0;x\r\n\r\n';
  await using origin = await ScriptedOrigin.start([answers(soon), answers(OK)]);
  using client = openClient(origin);
  await (await client.send(GET)).body.toArray();
  assert.equal((await client.send(GET)).isReused, false);
});

for (const [what, answer] of [
  ['not begun', ''],
  ['begun', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
  ['handed to Node', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
] as const)
  for (const before of [0, 1])
    test(`closing ends an answer that has ${what}, after ${before} on the connection, for good`, async () => {
      await using origin = await ScriptedOrigin.start([
        async (connection) => {
          for (let n = 0; n < before; n++) {
            await connection.head();
            connection.send(OK);
          }
          await connection.head();
          connection.send(answer);
          await connection.closed;
        },
      ]);
      const client = openOrigin({ ...ORIGIN_DEFAULTS, clock: new ManualClock(), url: origin.url });
      for (let n = 0; n < before; n++) await client.send(GET);
      const failed = assert.rejects(async () => {
        const { body } = await client.send(GET);
        setImmediate(() => client.close());
        await body.toArray();
      }, OriginError);
      if (answer === '') {
        await until(async () => origin.connections === 1);
        client.close();
      }
      await failed;
      await origin.done();
      assert.equal(origin.connections, 1);
    });

test('fields that could not be sent are refused, and nothing of them is sent', async () => {
  await using origin = await ScriptedOrigin.start([answers(OK)]);
  using client = openClient(origin);
  for (const fields of [
    ['X: y\r\nZ', 'a'],
    ['X', 'a\r\nY: b'],
    ['X', 'a\0'],
    ['X', '€'],
  ])
    await assert.rejects(client.send({ ...GET, fields: [...GET.fields, ...fields] }));
  await assert.rejects(client.send({ ...GET, target: '/a b' }));
  assert.equal(origin.connections, 0);
});

async function outcomeOf(
  open: (settings: OriginSettings) => OriginClient,
  answer: string,
  method: string,
): Promise<unknown> {
  await using origin = await ScriptedOrigin.start([
    async (connection) => {
      await connection.head();
      connection.send(answer);
      connection.end();
    },
  ]);
  const client = open({ ...ORIGIN_DEFAULTS, url: origin.url, clock: new ManualClock() });
  const interims: unknown[] = [];
  try {
    const onInterim = (...interim: unknown[]): unknown => interims.push(interim);
    const { status, reason, version, fields, body, trailers } = await client.send(
      { ...GET, method },
      { onInterim },
    );
    const content = (await body.toArray()).join('');
    return { status, reason, version, fields, content, trailers: trailers(), interims };
  } catch (error) {
    if (!(error instanceof OriginError)) throw error;
    return error.failure;
  } finally {
    client.close();
  }
}

function openClient(
  { url }: ScriptedOrigin,
  settings: Partial<OriginSettings> = {},
): OriginClient & Disposable {
  const client = openOrigin({ ...ORIGIN_DEFAULTS, clock: new ManualClock(), url, ...settings });
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}
