/** Over real sockets: a scripted gateway behind it, and requests as clients send them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { freePort } from '../../../test/rig/free-port.ts';
import { HttpServer } from '../../../test/rig/http-server.ts';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { sendRaw } from '../../../test/rig/raw-http.ts';
import { until } from '../../../test/rig/until.ts';
import { VelocityError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import { Sidecar, type SidecarOptions } from './sidecar.ts';

const TIMEOUT_MS = 10_000;

class Bench implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly told: string[] = [];
  readonly sidecar: Sidecar;
  readonly gateway: HttpServer | undefined;

  private constructor(made: { clock: ManualClock; told: string[]; sidecar: Sidecar; gateway?: HttpServer }) {
    Object.assign(this, made);
    this.sidecar = made.sidecar;
    this.gateway = made.gateway;
  }

  /** @param script `undefined`: nobody listens where the gateway should be */
  static async start(
    script: ((request: IncomingMessage, response: ServerResponse) => unknown) | undefined,
    options: Partial<SidecarOptions> = {},
  ): Promise<Bench> {
    const [clock, told] = [new ManualClock(), [] as string[]];
    const gateway = script && (await HttpServer.start(script));
    const sidecar = await Sidecar.start({
      gateway: gateway?.url ?? `http://127.0.0.1:${await freePort()}`,
      token: async () => new Secret('the-token'),
      host: '127.0.0.1',
      port: 0,
      timeoutMs: TIMEOUT_MS,
      clock,
      onAway: (why) => told.push(why),
      onBack: () => told.push('back'),
      ...options,
    });
    return new Bench(gateway ? { clock, told, sidecar, gateway } : { clock, told, sidecar });
  }

  async ask(path: string, init: RequestInit = {}) {
    const answer = await fetch(this.sidecar.url + path, { redirect: 'manual', ...init });
    const { status, headers } = answer;
    return { status, headers, bytes: Buffer.from(await answer.arrayBuffer()) };
  }

  /** Time passes until it was waited long enough for what is under way. */
  async waitInVain(asking: Promise<unknown>): Promise<void> {
    let isDone = false;
    void asking.finally(() => {
      isDone = true;
    });
    await until(async () => {
      this.clock.advance(250);
      return isDone;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sidecar[Symbol.asyncDispose]();
    await this.gateway?.[Symbol.asyncDispose]();
  }
}

const PUT = { method: 'PUT', body: randomBytes(300_000) };

describe('requests are handed on', () => {
  test('with path, query, body and headers as they are, below the gateway’s path, under the sidecar’s token', async () => {
    await using origin = await HttpServer.start(async (request, response) => {
      const body = await buffer(request);
      response.setHeader('x-seen', [request.method, request.url, request.headers.authorization].join(' '));
      response.setHeader('x-kept', String(request.headers['x-artifact-tag']));
      response.end(body);
    });
    await using bench = await Bench.start(undefined, { gateway: `${origin.url}/t/acme/` });
    const headers = { authorization: 'Bearer of-the-client', 'x-artifact-tag': 'tag' };
    const {
      status,
      headers: got,
      bytes,
    } = await bench.ask('/v8/artifacts/a%2Fb?x=/../y', { ...PUT, headers });
    assert.equal(status, 200);
    assert.equal(got.get('x-seen'), 'PUT /t/acme/v8/artifacts/a%2Fb?x=/../y Bearer the-token');
    assert.equal(got.get('x-kept'), 'tag');
    assert.deepEqual(bytes, PUT.body);
  });

  test('with the client’s own token where the sidecar has none', async () => {
    await using bench = await Bench.start(
      (request, response) => response.end(request.headers.authorization ?? 'none'),
      { token: undefined },
    );
    const { bytes } = await bench.ask('/', { headers: { authorization: 'Bearer mine' } });
    assert.equal(bytes.toString(), 'Bearer mine');
  });

  test('and answers of any size come back as they are', async () => {
    const large = randomBytes(20 * 1024 * 1024);
    await using bench = await Bench.start((request, response) => {
      const body = large.subarray(0, Number(request.url?.slice(1)));
      response.writeHead(200, { etag: '"x"', 'content-length': body.length });
      response.end(request.method === 'HEAD' ? undefined : body);
    });
    for (const size of [0, 1000, 9 * 1024 * 1024, large.length]) {
      const { headers, bytes } = await bench.ask(`/${size}`);
      assert.equal(headers.get('etag'), '"x"');
      assert.ok(bytes.equals(large.subarray(0, size)));
    }
    assert.equal((await bench.ask('/1000', { method: 'HEAD' })).headers.get('content-length'), '1000');
    assert.deepEqual(bench.told, []);
  });

  test('no faster than the client takes the answer', async () => {
    const PIECES = 400;
    let sent = 0;
    await using bench = await Bench.start((_request, response) => {
      const piece = Buffer.alloc(1024 * 1024);
      const more = (): void => {
        do sent++;
        while (response.write(piece) && sent < PIECES);
      };
      response.on('drain', () => sent < PIECES && more());
      more();
    });
    const asking = httpRequest(`${bench.sidecar.url}/v8/artifacts/a`).end();
    const [answer] = (await once(asking, 'response')) as [IncomingMessage];
    let [before, looks] = [0, 0];
    await until(async () => {
      looks = sent === before ? looks + 1 : 0;
      before = sent;
      return looks === 20;
    });
    assert.ok(sent < PIECES / 2, `${sent} MiB were taken that nobody read`);
    answer.destroy();
  });
});

describe('a gateway in trouble is a miss, an upload that is done, told once and counted', () => {
  async function assertFallsBack(bench: Bench, why: RegExp): Promise<void> {
    assert.equal((await bench.ask('/v1/cache/1')).status, 404);
    assert.equal((await bench.ask('/v1/cache/1', PUT)).status, 403);
    assert.equal((await bench.ask('/v8/artifacts/a', PUT)).status, 200);
    assert.equal(bench.told.length, 1);
    assert.match(String(bench.told[0]), why);
    assert.deepEqual(bench.sidecar.counts, { requests: 3, misses: 1, dropped: 2, refused: 0 });
  }

  test('one that is not there', async () => {
    await using bench = await Bench.start(undefined);
    await assertFallsBack(bench, /ECONNREFUSED/);
  });

  for (const [what, script, why] of [
    ['one that answers 503', (_request, response) => response.writeHead(503).end('busy'), /it answered 503/],
    ['one that hangs up', (request) => request.destroy(), /ECONNRESET|closed|EPIPE/],
    ['one that knows no token', (_request, response) => response.writeHead(401).end(), /401: the token/],
    [
      'one that breaks a small answer off',
      (_request, response) => {
        response.writeHead(200, { 'content-length': 1000 });
        response.write('half');
        response.flushHeaders();
        setImmediate(() => response.destroy());
      },
      /aborted|ECONNRESET/,
    ],
    [
      'one that redirects in a circle',
      (request, response) =>
        request.method === 'GET'
          ? response.writeHead(302, { location: '/again' }).end()
          : response.writeHead(500).end(),
      /circle/,
    ],
  ] as readonly (readonly [
    string,
    (request: IncomingMessage, response: ServerResponse) => unknown,
    RegExp,
  ])[])
    test(what, async () => {
      await using bench = await Bench.start(script);
      await assertFallsBack(bench, why);
    });

  test('one for which there is no token to be had, and it is asked for again', async () => {
    const tokens = ['', 'second'];
    await using bench = await Bench.start(
      (request, response) => response.end(request.headers.authorization),
      {
        token: async () => {
          const token = tokens.shift();
          if (!token) throw new VelocityError('NO_IDENTITY', 'The issuer is away.');
          return new Secret(token);
        },
      },
    );
    assert.equal((await bench.ask('/v1/cache/1')).status, 404);
    assert.deepEqual(bench.told, ['The issuer is away.']);
    assert.equal((await bench.ask('/v1/cache/1')).bytes.toString(), 'Bearer second');
  });

  test('one that never answers, after its time; then it is left alone for a while, and found again', async () => {
    let isWell = false;
    let asked = 0;
    await using bench = await Bench.start((_request, response) => {
      asked++;
      if (isWell) response.end('here');
    });
    const asking = bench.ask('/v1/cache/1');
    await bench.waitInVain(asking);
    assert.equal((await asking).status, 404);
    assert.match(String(bench.told[0]), /no answer for 10000 ms/);

    for (let request = 0; request < 10; request++) assert.equal((await bench.ask('/v1/cache/1')).status, 404);
    assert.equal(asked, 1);

    isWell = true;
    bench.clock.advance(TIMEOUT_MS);
    assert.equal((await bench.ask('/v1/cache/1')).bytes.toString(), 'here');
    assert.equal(bench.told.at(-1), 'back');
  });

  describe('an answer that is too large to hold back and breaks off', () => {
    const large = randomBytes(20 * 1024 * 1024);

    /** Breaks off after each MiB. */
    function piecemeal(etags: readonly string[]) {
      let answers = 0;
      return ({ headers: { range } }: IncomingMessage, response: ServerResponse) => {
        const first = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
        const head = { etag: etags[answers++ % etags.length], 'content-length': large.length - first };
        const contentRange = `bytes ${first}-${large.length - 1}/${large.length}`;
        if (range) response.writeHead(206, { ...head, 'content-range': contentRange });
        else response.writeHead(200, head);
        const end = answers === 4 ? large.length : first + 1024 * 1024;
        response.write(large.subarray(first, end), () => answers < 4 && response.destroy());
      };
    }

    test('is gone on with where it broke off', async () => {
      await using bench = await Bench.start(piecemeal(['"x"']));
      assert.ok((await bench.ask('/v1/cache/1')).bytes.equals(large));
    });

    test('looks broken off where the rest may be another’s, or nobody can tell', async () => {
      for (const etags of [['"x"', '"y"'], ['W/"x"'], ['']]) {
        await using bench = await Bench.start(piecemeal(etags));
        await assert.rejects(bench.ask('/v1/cache/1'));
      }
    });
  });
});

describe('redirects', () => {
  test('are followed to the storage, without the token; its trouble is a miss too', async () => {
    let status = 200;
    await using storage = await HttpServer.start((request, response) => {
      response.writeHead(status).end(String(request.headers.authorization));
    });
    await using bench = await Bench.start((_request, response) =>
      response.writeHead(302, { location: `${storage.url}/bucket?signature=1` }).end(),
    );
    assert.equal((await bench.ask('/v1/cache/1')).bytes.toString(), 'undefined');
    for (status of [403, 500]) assert.equal((await bench.ask('/v8/artifacts/1')).status, 404);
    assert.match(String(bench.told[0]), /the storage at .* answered 403/);
    assert.doesNotMatch(String(bench.told[0]), /signature/);
  });
});

describe('who should not be here', () => {
  test('is a page in a browser, or one that came by a name of its own', async () => {
    let asked = 0;
    await using bench = await Bench.start((_request, response) => {
      asked++;
      response.end();
    });
    for (const header of ['Origin: http://evil.example', 'Sec-Fetch-Site: cross-site'])
      assert.match(
        await sendRaw(
          bench.sidecar.url,
          `GET /v1/cache/1 HTTP/1.1\r\nHost: 127.0.0.1\r\n${header}\r\nConnection: close\r\n\r\n`,
        ),
        /^HTTP\/1.1 403 /,
      );
    const { port } = new URL(bench.sidecar.url);
    for (const host of ['evil.example', `evil.example:${port}`, ''])
      assert.match(
        await sendRaw(
          bench.sidecar.url,
          `GET /v1/cache/1 HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        ),
        /^HTTP\/1.1 403 /,
      );
    const absolute = `GET http://evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`;
    assert.match(await sendRaw(bench.sidecar.url, absolute), /^HTTP\/1.1 403 /);
    assert.equal(asked, 0);
    assert.equal((await bench.ask('/v1/cache/1')).status, 200);
  });

  test('is told so at once, whatever it still means to send', async () => {
    await using bench = await Bench.start((_request, response) => response.end());
    const begun = 'PUT /v1/cache/1 HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 1000000\r\n\r\nbegun';
    assert.match(await sendRaw(bench.sidecar.url, begun), /^HTTP\/1.1 403 /);
  });

  test('is whoever does not know the secret part of the address', async () => {
    await using bench = await Bench.start((request, response) => response.end(request.url), {
      secretPath: '~secret',
    });
    const { origin } = new URL(bench.sidecar.url);
    for (const path of ['/v1/cache/1', '/~secreT/v1/cache/1', '/~secret-/v1', '/'])
      assert.equal((await fetch(origin + path)).status, 403, path);
    assert.equal((await bench.ask('/v1/cache/1')).bytes.toString(), '/v1/cache/1');
  });
});
