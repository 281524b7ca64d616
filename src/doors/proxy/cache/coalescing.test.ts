/** One question for all who wait: who shares an answer, who does not, and what becomes of them where it goes wrong. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { type Answer, ask, beginToAsk, type Question, readAnswer } from '../../../../test/rig/ask.ts';
import { CachingServer, type CachingServerOptions } from '../../../../test/rig/caching-server.ts';
import { HttpServer } from '../../../../test/rig/http-server.ts';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { openSocket } from '../../../../test/rig/raw-http.ts';
import { until } from '../../../../test/rig/until.ts';

/** One request as the origin has it. */
interface Asked {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
}

/** An origin that answers when the test does, with a caching proxy before it and clients that are counted. */
class Held implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly asked: Asked[] = [];
  readonly #origin: HttpServer;
  readonly server: CachingServer;
  #arrived = 0;

  private constructor(origin: HttpServer, server: CachingServer, asked: Asked[], clock: ManualClock) {
    this.#origin = origin;
    this.server = server;
    this.asked = asked;
    this.clock = clock;
    server.server.on('request', () => {
      this.#arrived++;
    });
  }

  static async start(options: Partial<CachingServerOptions> = {}): Promise<Held> {
    const asked: Asked[] = [];
    const clock = new ManualClock();
    const origin = await HttpServer.start((message, response) => asked.push({ message, response }));
    const client = { maxConnections: 1_000 };
    const server = await CachingServer.start({ origin: origin.url, clock, client, ...options });
    return new Held(origin, server, asked, clock);
  }

  get url(): string {
    return `${this.server.url}/thing`;
  }

  /** So many who ask the same, once all of them have come. */
  async clients(count: number, question?: Question): Promise<Promise<Answer>[]> {
    const before = this.#arrived;
    const answers = Array.from({ length: count }, () => ask(this.url, question));
    for (const answer of answers) answer.catch(() => {});
    await until(async () => this.#arrived === before + count);
    return answers;
  }

  /** As `clients`, up to the heads of their answers. */
  async begin(count: number): Promise<Promise<IncomingMessage>[]> {
    const before = this.#arrived;
    const begun = Array.from({ length: count }, () => beginToAsk(this.url));
    await until(async () => this.#arrived === before + count);
    return begun;
  }

  /** The n-th question that came to the origin. */
  async question(n: number): Promise<Asked> {
    await until(async () => this.asked.length >= n);
    const asked = this.asked[n - 1];
    assert.ok(asked);
    return asked;
  }

  /** @param head `Name: value` each */
  async answer(n: number, head: Record<string, string>, body = 'body', status = 200): Promise<void> {
    const { response } = await this.question(n);
    response.writeHead(status, head);
    response.end(body);
  }

  connections(): Promise<number> {
    return new Promise((resolve) => this.server.server.getConnections((_, count) => resolve(count)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await this.#origin[Symbol.asyncDispose]();
  }
}

const FRESH = { 'Cache-Control': 'max-age=60' };

function bodiesOf(answers: readonly Answer[]): readonly string[] {
  return [...new Set(answers.map(({ status, body, isWhole }) => `${status} ${body} ${isWhole}`))];
}

for (const head of [{ 'Content-Length': '10', ...FRESH }, FRESH])
  test(`500 clients on a cold key are one question, and all read while it comes: ${Object.keys(head)}`, async () => {
    await using held = await Held.start();
    const begun = await held.begin(500);
    const { response } = await held.question(1);
    response.writeHead(200, head);
    response.write('first');
    const messages = await Promise.all(begun);
    for (const message of messages) {
      if (message.readableLength === 0) await once(message, 'readable');
      assert.equal(String(message.read()), 'first');
    }
    response.end(' last');
    const answers = await Promise.all(messages.map(readAnswer));
    assert.deepEqual(bodiesOf(answers), ['200  last true']);
    assert.equal(held.asked.length, 1);
    assert.equal(held.server.proxy.flights, 0);
  });

const UNSHARED: readonly (readonly [string, Record<string, string>, Question?])[] = [
  ['private', { 'Cache-Control': 'private, max-age=60' }],
  ['no-store', { 'Cache-Control': 'no-store' }],
  ['without a word on how long it lasts', {}],
  ['a cookie without a word on how long it lasts', { 'Set-Cookie': 'a=1', ETag: '"1"' }],
  ['Vary: *', { ...FRESH, Vary: '*' }],
  ['of an authorized client', FRESH, { headers: { authorization: 'Basic x' } }],
  ['of a client that wants nothing stored', FRESH, { headers: { 'cache-control': 'no-store' } }],
];

for (const [what, head, question] of UNSHARED)
  test(`what is not for everybody is shared by nobody, and nobody waits in a row for it: ${what}`, async () => {
    await using held = await Held.start();
    const first = await held.clients(20, question);
    await held.answer(1, head, 'for 1');
    for (let n = 2; n <= 20; n++) await held.question(n); // all at once: none of these has been answered
    for (let n = 2; n <= 20; n++) await held.answer(n, head, `for ${n}`);
    assert.equal(bodiesOf(await Promise.all(first)).length, 20);
    const second = await held.clients(20, question);
    await held.question(40);
    for (let n = 21; n <= 40; n++) await held.answer(n, head, `for ${n}`);
    assert.equal(bodiesOf(await Promise.all(second)).length, 20);
  });

test('what cannot be shared is asked for together again after a while', async () => {
  await using held = await Held.start();
  const [first] = await held.clients(1);
  await held.answer(1, { 'Cache-Control': 'private' });
  await first;
  held.clock.advance(120_000);
  const later = await held.clients(10);
  await held.answer(2, FRESH, 'one');
  assert.deepEqual(bodiesOf(await Promise.all(later)), ['200 one true']);
  assert.equal(held.asked.length, 2);
});

test('one who wants nothing stored, or says who it is, keeps others from nothing', async () => {
  await using held = await Held.start();
  for (const headers of [{ 'cache-control': 'no-store' }, { authorization: 'Basic x' }]) {
    const n = held.asked.length;
    const [own] = await held.clients(1, { headers });
    await held.answer(n + 1, { ...FRESH, 'X-Own': '1' }, 'own');
    await own;
    const others = await held.clients(10);
    await held.answer(n + 2, FRESH, 'one');
    assert.deepEqual(bodiesOf(await Promise.all(others)), ['200 one true']);
    assert.equal(held.asked.length, n + 2);
    held.clock.advance(60_000);
  }
});

test('where answers vary, each kind is asked for once', async () => {
  await using held = await Held.start();
  const head = { ...FRESH, Vary: 'Accept-Language' };
  const german = await held.clients(50, { headers: { 'accept-language': 'de' } });
  const french = await held.clients(50, { headers: { 'accept-language': 'fr' } });
  await held.answer(1, head, 'deutsch');
  await held.answer(2, head, 'français');
  assert.deepEqual(bodiesOf(await Promise.all(german)), ['200 deutsch true']);
  assert.deepEqual(bodiesOf(await Promise.all(french)), ['200 français true']);
  assert.equal(held.asked.length, 2);
});

test('a client that leaves before the head ends the question of nobody who waits', async () => {
  await using held = await Held.start();
  const first = await openSocket(held.url);
  first.write('GET /thing HTTP/1.1\r\nHost: a\r\n\r\n');
  await held.question(1);
  const others = await held.clients(5, { headers: { host: 'a' } });
  first.destroy();
  await until(async () => (await held.connections()) === 5);
  await held.answer(1, FRESH, 'one');
  assert.deepEqual(bodiesOf(await Promise.all(others)), ['200 one true']);
  assert.equal(held.asked.length, 1);
});

test('a client that leaves before the head, and for whom alone it was, ends the question; the next asks anew', async () => {
  await using held = await Held.start();
  const first = await openSocket(held.url);
  first.write('GET /thing HTTP/1.1\r\nHost: a\r\n\r\n');
  const { response } = await held.question(1);
  first.destroy();
  await once(response, 'close');
  await until(async () => held.server.proxy.flights === 0);
  const next = await held.clients(3, { headers: { host: 'a' } });
  await held.answer(2, FRESH, 'one');
  assert.deepEqual(bodiesOf(await Promise.all(next)), ['200 one true']);
});

for (const head of [{ 'Content-Length': '10', ...FRESH }, FRESH])
  test(`a client that leaves in the middle of the body takes it from nobody: ${Object.keys(head)}`, async () => {
    await using held = await Held.start();
    const begun = await held.begin(3);
    const { response } = await held.question(1);
    response.writeHead(200, head);
    response.write('first');
    const [one, ...rest] = await Promise.all(begun);
    one?.destroy();
    await until(async () => held.server.ends.length === 1);
    response.end(' last');
    assert.deepEqual(bodiesOf(await Promise.all(rest.map(readAnswer))), ['200 first last true']);
    assert.equal((await ask(held.url)).body.toString(), 'first last');
    assert.equal(held.asked.length, 1);
  });

for (const head of [{ 'Content-Length': '10', ...FRESH }, FRESH])
  test(`an origin that breaks off cuts all who read, nothing is kept, the next asks anew: ${Object.keys(head)}`, async () => {
    await using held = await Held.start();
    const begun = await held.begin(20);
    const { response } = await held.question(1);
    response.writeHead(200, head);
    response.write('first');
    const messages = await Promise.all(begun);
    for (const message of messages) if (message.readableLength === 0) await once(message, 'readable');
    response.destroy();
    const answers = await Promise.all(messages.map(readAnswer));
    assert.deepEqual(bodiesOf(answers), ['200 first false']);
    assert.equal(held.server.opened.store.index.size, 0);
    const next = await held.clients(1);
    await held.answer(2, FRESH, 'one');
    assert.deepEqual(bodiesOf(await Promise.all(next)), ['200 one true']);
  });

test('an origin without an answer fails all who wait, once', async () => {
  await using held = await Held.start();
  const all = await held.clients(50);
  (await held.question(1)).response.destroy();
  const answers = await Promise.all(all);
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [502]);
  assert.equal(held.asked.length, 1);
  const next = await held.clients(1);
  await held.answer(2, FRESH, 'one');
  assert.deepEqual(bodiesOf(await Promise.all(next)), ['200 one true']);
});

test('an error of the origin is nobody else’s, and what waits for it waits once', async () => {
  await using held = await Held.start();
  const all = await held.clients(10);
  await held.answer(1, {}, 'sorry', 503);
  for (let n = 2; n <= 10; n++) await held.answer(n, {}, 'sorry', 503);
  assert.deepEqual(bodiesOf(await Promise.all(all)), ['503 sorry true']);
  const next = await held.clients(10);
  await held.answer(11, FRESH, 'one');
  assert.deepEqual(bodiesOf(await Promise.all(next)), ['200 one true']);
  assert.equal(held.asked.length, 11);
});

for (const validator of [{ ETag: '"1"' }, {}])
  test(`what is stale is asked for once by all who want it: ${Object.keys(validator)}`, async () => {
    await using held = await Held.start();
    const [first] = await held.clients(1);
    await held.answer(1, { ...FRESH, ...validator }, 'old');
    await first;
    held.clock.advance(61_000);
    const all = await held.clients(50);
    await held.answer(2, { ...FRESH, ...validator }, 'new');
    assert.deepEqual(bodiesOf(await Promise.all(all)), ['200 new true']);
    assert.equal(held.asked.length, 2);
  });

for (const [what, fail] of [
  ['is gone', ({ response }: Asked) => void response.destroy()],
  ['says 503', ({ response }: Asked) => void response.writeHead(503).end('sorry')],
] as const)
  test(`where the origin ${what}, all who wait have what is stale, where that is allowed`, async () => {
    await using held = await Held.start();
    const [first] = await held.clients(1);
    await held.answer(1, { 'Cache-Control': 'max-age=60, stale-if-error=600', ETag: '"1"' }, 'old');
    await first;
    held.clock.advance(61_000);
    const all = await held.clients(50);
    fail(await held.question(2));
    assert.deepEqual(bodiesOf(await Promise.all(all)), ['200 old true']);
    assert.equal(held.asked.length, 2);
  });

test('what may be stale for a while is sent at once, and refreshed once, also where a HEAD comes first', async () => {
  await using held = await Held.start();
  const head = { 'Cache-Control': 'max-age=60, stale-while-revalidate=600', ETag: '"1"' };
  const [first] = await held.clients(1);
  await held.answer(1, head, 'old');
  await first;
  held.clock.advance(61_000);
  assert.equal((await ask(held.url, { method: 'HEAD' })).status, 200);
  const stale = await Promise.all(await held.clients(50));
  assert.deepEqual(bodiesOf(stale), ['200 old true']);
  const { message } = await held.question(2);
  assert.equal(message.method, 'GET');
  assert.equal(message.headers['if-none-match'], '"1"');
  await held.answer(2, head, 'new');
  await until(async () => (await ask(held.url)).body.toString() === 'new');
  assert.equal(held.asked.length, 2);
});

test('a body that is too large to be kept is nobody else’s, and nobody is told that it is stored', async () => {
  await using held = await Held.start({ settings: { maxObjectSize: 1_000 } });
  const head = { ...FRESH, 'Content-Length': '5000' };
  const all = await held.clients(10);
  for (let n = 1; n <= 10; n++) await held.answer(n, head, 'x'.repeat(5_000));
  const answers = await Promise.all(all);
  assert.deepEqual([...new Set(answers.map(({ body }) => body.length))], [5_000]);
  assert.ok(answers.every(({ headers }) => !String(headers['cache-status']).includes('stored')));
  assert.equal(held.server.opened.store.index.size, 0);
});

test('a body of unknown length that outgrows what is kept reaches all who came in time, whole', async () => {
  await using held = await Held.start({ settings: { maxObjectSize: 100_000 } });
  const begun = await held.begin(20);
  const { response } = await held.question(1);
  response.writeHead(200, FRESH);
  response.flushHeaders();
  const answers = (await Promise.all(begun)).map(readAnswer);
  const body = Buffer.alloc(3_000_000, 'abc');
  response.end(body);
  for (const answer of await Promise.all(answers)) assert.ok(answer.isWhole && answer.body.equals(body));
  assert.equal(held.asked.length, 1);
  assert.equal(held.server.opened.store.index.size, 0);
});
