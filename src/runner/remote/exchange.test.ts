import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { until } from '../../../test/rig/until.ts';
import { HttpExchanges } from './exchange.ts';

const PACE = { timeoutMs: 4_000, slowestBytesPerSecond: 512 * 1024 };
const STEP_MS = 1_000;

type Script = (request: IncomingMessage, response: ServerResponse) => void;

class Rig implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly exchanges = new HttpExchanges(this.clock);
  readonly #server: ReturnType<typeof createServer>;

  private constructor(script: Script) {
    this.#server = createServer(script);
  }

  static async start(script: Script): Promise<Rig> {
    const rig = new Rig(script);
    rig.#server.listen(0, '127.0.0.1');
    await once(rig.#server, 'listening');
    return rig;
  }

  send(method: 'GET' | 'PUT', body?: Readable | Uint8Array) {
    const { port } = this.#server.address() as AddressInfo;
    const url = new URL(`http://127.0.0.1:${port}/`);
    return this.exchanges.send({ method, url, headers: {}, body, pace: PACE });
  }

  /** Lets time pass, and between its steps whatever the connection brings. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      await turnOfLoop();
      this.clock.advance(STEP_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.exchanges.close();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

describe('an answer', () => {
  test('that never comes fails after the timeout', async () => {
    await using rig = await Rig.start(() => {});
    const answer = rig.send('GET');
    answer.catch(() => {});
    await rig.pass(PACE.timeoutMs);
    await assert.rejects(answer, { name: 'TimeoutError' });
  });

  test('that drips fails soon, though its length would earn it hours', async () => {
    await using rig = await Rig.start((_request, response) => {
      response.writeHead(200, { 'content-length': String(4 * 2 ** 30) });
      response.write('a byte or so');
    });
    const { body } = await rig.send('GET');
    const chunks: Buffer[] = [];
    body.on('data', (chunk: Buffer) => chunks.push(chunk));
    const failed = once(body, 'error').catch((error: unknown) => [error]);
    await until(async () => chunks.length > 0);
    await rig.pass(2 * PACE.timeoutMs);
    const [error] = await failed;
    assert.match(String(error), /TimeoutError: only \d+ bytes in 4000 ms/);
  });

  test('that nobody reads is not blamed for it', async () => {
    const bytes = Buffer.alloc(3_000_000, 'x');
    await using rig = await Rig.start((_request, response) => response.end(bytes));
    const { body } = await rig.send('GET');
    await until(async () => body.readableLength > 0);
    await rig.pass(100 * PACE.timeoutMs);
    assert.deepEqual(await buffer(body), bytes);
  });
});

describe('an upload', () => {
  test('arrives whole, from bytes and from a stream', async () => {
    const bytes = Buffer.alloc(1_000_003, 'abc');
    await using rig = await Rig.start(async (request, response) => {
      response.end(String((await buffer(request)).equals(bytes)));
    });
    for (const body of [bytes, Readable.from([bytes.subarray(0, 7), bytes.subarray(7)])]) {
      const answer = await rig.send('PUT', body);
      assert.equal((await buffer(answer.body)).toString(), 'true');
    }
  });

  test('that nobody takes fails after the timeout', async () => {
    await using rig = await Rig.start((request) => request.pause());
    const answer = rig.send('PUT', Buffer.alloc(64 * 1024 * 1024));
    const failed = assert.rejects(answer, { name: 'TimeoutError' });
    for (let turn = 0; turn < 100; turn++) await turnOfLoop();
    await rig.pass(60_000);
    await failed;
  });

  test('fails with its body', async () => {
    await using rig = await Rig.start((request) => request.resume());
    async function* breaking(): AsyncIterable<Buffer> {
      yield Buffer.from('begin');
      throw new Error('the disk is gone');
    }
    await assert.rejects(rig.send('PUT', Readable.from(breaking())), /the disk is gone/);
  });
});

test('closing breaks off what is under way, and what waits for a connection too', async () => {
  let asked = 0;
  await using rig = await Rig.start(() => {
    asked++;
  });
  const answers = Array.from({ length: 40 }, () => rig.send('GET'));
  const ended = Promise.allSettled(answers);
  await until(async () => asked === 32);
  rig.exchanges.close();
  for (const { status } of await ended) assert.equal(status, 'rejected');
  await turnOfLoop();
  assert.equal(asked, 32);
});
