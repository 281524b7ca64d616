import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { type Answer, ask, beginToAsk, type Question, readAnswer } from '../../../../test/rig/ask.ts';
import { CachingServer, type CachingServerOptions } from '../../../../test/rig/caching-server.ts';
import { HttpServer } from '../../../../test/rig/http-server.ts';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { until } from '../../../../test/rig/until.ts';

interface Site extends AsyncDisposable {
  readonly server: CachingServer;
  readonly clock: ManualClock;
  readonly url: string;
  /** What the origin was asked, in order. */
  readonly asked: IncomingMessage[];
  readonly ask: (path: string, question?: Question) => Promise<Answer>;
}

async function open(
  handle: (message: IncomingMessage, response: ServerResponse, turn: number) => void,
  options: Partial<CachingServerOptions> = {},
): Promise<Site> {
  const asked: IncomingMessage[] = [];
  const clock = new ManualClock();
  const origin = await HttpServer.start((message, response) => {
    handle(message, response, asked.push(message));
  });
  const server = await CachingServer.start({ origin: origin.url, clock, ...options });
  return {
    ...{ server, clock, asked, url: server.url },
    ask: (path, question) => ask(`${server.url}${path}`, question),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await origin[Symbol.asyncDispose]();
    },
  };
}

const FRESH = { 'Cache-Control': 'max-age=60' };
const ALL = '0123456789';

/** An origin of ten bytes that knows ranges. */
function ranged(tag: () => string, isCounted = true) {
  return (message: IncomingMessage, response: ServerResponse): void => {
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(message.headers.range ?? '') ?? [];
    const condition = message.headers['if-range'];
    const head = { ...FRESH, ETag: tag(), Date: new Date(Date.UTC(2026, 0, 1)).toUTCString() };
    const isPart = first !== undefined && (condition === undefined || condition === tag());
    const body = isPart ? ALL.slice(Number(first), last ? Number(last) + 1 : undefined) : ALL;
    const range = isPart ? { 'Content-Range': `bytes ${first}-${Number(first) + body.length - 1}/10` } : {};
    const length = isCounted ? { 'Content-Length': String(body.length) } : {};
    response.writeHead(isPart ? 206 : 200, { ...head, ...range, ...length }).end(body);
  };
}

const part = (range: string): Question => ({ headers: { range: `bytes=${range}` } });

for (const isCounted of [true, false])
  test(`parts of the same bytes become one, and the rest is asked for: ${isCounted ? 'of a length' : 'in chunks'}`, async () => {
    await using site = await open(ranged(() => '"1"', isCounted));
    const held = () => [...site.server.opened.store.index.all()][0]?.held?.spans.length;
    await site.ask('/', part('0-3'));
    await until(async () => held() === 1);
    await site.ask('/', part('6-7'));
    await until(async () => held() === 2);
    for (const [range, text] of [
      ['1-2', '12'],
      ['6-7', '67'],
    ] as const) {
      const { status, body } = await site.ask('/', part(range));
      assert.equal(`${status} ${body}`, `206 ${text}`);
    }
    assert.equal(site.asked.length, 2);
    const whole = await site.ask('/');
    assert.equal(`${whole.status} ${whole.body}`, `200 ${ALL}`);
    await until(async () => held() === 1);
    const hit = await site.ask('/');
    assert.equal(`${hit.status} ${hit.headers['x-cache']} ${hit.body}`, `200 HIT ${ALL}`);
  });

test('parts of other bytes are never put together', async () => {
  let tag = '"1"';
  await using site = await open(ranged(() => tag));
  await site.ask('/', part('0-3'));
  tag = '"2"';
  await site.ask('/', part('4-9'));
  tag = '"3"';
  const { status, headers, body } = await site.ask('/');
  assert.equal(`${status} ${headers.etag} ${body}`, `200 "3" ${ALL}`);
});

for (const [what, answer] of [
  ['is refused', { status: 416, head: { 'Content-Range': 'bytes */10' }, body: '' }],
  [
    'may not be kept',
    { status: 206, head: { 'Content-Range': 'bytes 4-9/10', 'Cache-Control': 'no-store' }, body: '456789' },
  ],
] as const)
  test(`a client that asks for the whole never sees that the cache asked for a rest, which ${what}`, async () => {
    const part = ranged(() => '"1"');
    await using site = await open((message, response, turn) => {
      if (turn !== 2) return part(message, response);
      response.writeHead(answer.status, { ETag: '"1"', ...answer.head }).end(answer.body);
    });
    await site.ask('/', { headers: { range: 'bytes=0-3' } });
    const { status, body } = await site.ask('/', { headers: { range: 'lines=1-2', 'if-none-match': '"0"' } });
    assert.equal(`${status} ${body}`, `200 ${ALL}`);
    assert.equal(site.asked[1]?.headers.range, 'bytes=4-');
    assert.equal(site.asked[1]?.headers['if-none-match'], undefined);
  });

test('a part whose body has not the length of its range is kept by nobody', async () => {
  await using site = await open((_, response, turn) => {
    response.writeHead(206, { ...FRESH, ETag: '"1"', 'Content-Range': 'bytes 0-7/10' }).end(`part${turn}`);
  });
  for (const turn of [1, 2]) assert.equal(String((await site.ask('/', part('0-7'))).body), `part${turn}`);
  assert.equal(site.server.opened.store.index.size, 0);
});

test('a part that completes what is held reaches others whole, though the one who asked for it left', async () => {
  const answers: ServerResponse[] = [];
  await using site = await open((message, response, turn) => {
    if (turn === 1) return ranged(() => '"1"')(message, response);
    answers.push(response);
    response.writeHead(200, { ...FRESH, ETag: '"2"', 'Content-Length': '10' });
    response.write('abcde');
  });
  await site.ask('/', part('0-3'));
  const first = await beginToAsk(`${site.url}/`);
  const second = await beginToAsk(`${site.url}/`);
  first.destroy();
  await until(async () => site.server.ends.length === 2);
  answers[0]?.end('fghij');
  const { isWhole, body } = await readAnswer(second);
  assert.equal(`${isWhole} ${body}`, 'true abcdefghij');
});

test('what is validated is younger again and has the new fields, for the request that it was for', async () => {
  await using site = await open((message, response, turn) => {
    const isKnown = message.headers['if-none-match'] !== undefined;
    response.writeHead(isKnown ? 304 : 200, { ...FRESH, ETag: '"1"', 'X-Turn': String(turn) });
    response.end(isKnown ? undefined : 'body');
  });
  await site.ask('/');
  site.clock.advance(61_000);
  for (const cache of ['HIT', 'HIT']) {
    const { headers, body } = await site.ask('/');
    assert.equal(`${headers['x-turn']} ${headers['x-cache']} ${body}`, `2 ${cache} body`);
  }
  assert.equal(site.asked.length, 2);
});

test('a 304 that names one of several validates that one, and no other', async () => {
  await using site = await open((message, response) => {
    const language = message.headers['accept-language'] ?? '';
    const tag = language === 'de-AT' ? '"de"' : `"${language}"`;
    const isKnown = message.headers['if-none-match']?.includes(tag) ?? false;
    response.writeHead(isKnown ? 304 : 200, { ...FRESH, ETag: tag, Vary: 'Accept-Language' });
    response.end(isKnown ? undefined : language);
  });
  const inLanguage = (language: string) => site.ask('/', { headers: { 'accept-language': language } });
  await inLanguage('de');
  await inLanguage('fr');
  const austrian = await inLanguage('de-AT');
  assert.equal(String(austrian.body), 'de');
  assert.equal(site.asked[2]?.headers['if-none-match'], '"de", "fr"');
  for (const [language, text] of [
    ['de-AT', 'de'],
    ['fr', 'fr'],
  ] as const) {
    const { headers, body } = await inLanguage(language);
    assert.equal(`${headers['x-cache']} ${body}`, `HIT ${text}`);
  }
  assert.equal(site.asked.length, 3);
});

for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'PROPPATCH'])
  test(`what ${method} changed is asked for anew, and what it could not is not`, async () => {
    await using site = await open((message, response, turn) => {
      const status = message.headers['x-fails'] ? 500 : 200;
      response.writeHead(status, message.method === 'GET' ? FRESH : { Location: '/other' }).end(String(turn));
    });
    for (const path of ['/a', '/other', '/third']) await site.ask(path);
    await site.ask('/a', { method, headers: { 'x-fails': '1' } });
    assert.equal(String((await site.ask('/a')).body), '1');
    await site.ask('/a', { method });
    for (const [path, body] of [
      ['/a', '6'],
      ['/other', '7'],
      ['/third', '3'],
    ] as const)
      assert.equal(String((await site.ask(path)).body), body);
  });

test('a HEAD that tells of another body outdates what is stored', async () => {
  let tag = '"1"';
  await using site = await open((_, response) => {
    response.writeHead(200, { ...FRESH, ETag: tag }).end('body');
  });
  await site.ask('/');
  tag = '"2"';
  await site.ask('/', { method: 'HEAD', headers: { 'cache-control': 'no-cache' } });
  assert.equal((await site.ask('/')).headers.etag, '"2"');
});

test('addresses and variants without number take no more than there is room for', async () => {
  const settings = { maxEntries: 100, maxMemory: 1024 * 1024 };
  await using site = await open(
    (_, response) => {
      response.writeHead(200, { ...FRESH, Vary: 'X-Own' }).end('x'.repeat(1_000));
    },
    { settings },
  );
  const { store, memory } = site.server.opened;
  for (let n = 0; n < 300; n++) {
    await site.ask(`/${n % 2 === 0 ? n : 'same'}`, { headers: { 'x-own': `${n}-${'y'.repeat(4_000)}` } });
    assert.ok(store.index.size <= 100 && store.index.headBytes <= settings.maxMemory / 4);
    assert.ok(memory.bytes <= settings.maxMemory);
  }
  assert.ok(store.index.evictions > 0);
  assert.ok(store.index.headBytes > 40 * 4_000, 'what requests say is counted, too');
});

test('a body that is replaced or evicted while it is read is read whole, as it was', async () => {
  const size = 3_000_000;
  await using site = await open((_, response, turn) => {
    const length = turn % 2 === 0 ? {} : { 'Content-Length': String(size) };
    response.writeHead(200, { ...FRESH, ...length }).end(Buffer.alloc(size, `${turn} `));
  });
  for (const turn of [1, 2]) {
    const slow = await beginToAsk(`${site.url}/`);
    await once(slow, 'readable');
    await site.ask('/', { method: 'POST' }).catch(() => {});
    assert.ok((await readAnswer(slow)).body.equals(Buffer.alloc(size, `${turn === 1 ? 1 : 3} `)));
  }
});

test('what went from memory is asked for anew, and its head goes with it', async () => {
  await using site = await open((_, response, turn) => {
    response.writeHead(200, FRESH).end(String(turn));
  });
  await site.ask('/');
  const { store } = site.server.opened;
  const [stored] = store.index.all();
  store.bodies.forget(stored?.id ?? '');
  assert.equal(String((await site.ask('/')).body), '2');
  assert.equal(store.index.size, 1);
});

test('of two that match, the one that came last answers, also where their Date is the same', async () => {
  const date = new Date(Date.UTC(2026, 0, 1)).toUTCString();
  await using site = await open((_, response, turn) => {
    const vary = turn === 1 ? {} : { Vary: 'X-Own' };
    response.writeHead(200, { ...FRESH, ...vary, Date: date }).end(String(turn));
  });
  await site.ask('/');
  await site.ask('/', { headers: { 'cache-control': 'no-cache' } });
  assert.equal(String((await site.ask('/')).body), '2');
});
