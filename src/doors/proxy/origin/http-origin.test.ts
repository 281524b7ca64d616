import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { PassThrough, Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { freePort } from '../../../../test/rig/free-port.ts';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { ORIGIN_CLIENTS } from '../../../../test/rig/origin-clients.ts';
import { Barrier, type Script, ScriptedOrigin } from '../../../../test/rig/scripted-origin.ts';
import { makeTestCertificate } from '../../../../test/rig/test-certificate.ts';
import { until } from '../../../../test/rig/until.ts';
import type { Fields } from '../../../http-cache/fields.ts';
import type { OriginClient, OriginRequest } from './origin-client.ts';
import { OriginError, type OriginFailure } from './origin-error.ts';
import { ORIGIN_DEFAULTS, type OriginSettings } from './origin-settings.ts';

const GET: OriginRequest = { method: 'GET', target: '/a?b', fields: ['Host', 'a.example'] };
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Answers every request on a connection alike. */
const answers =
  (answer: string): Script =>
  async (connection) => {
    for await (const _ of connection.heads()) connection.send(answer);
  };

for (const [by, openOrigin] of ORIGIN_CLIENTS) {
  describe(by, () => {
    test('a request arrives as it was given, and its answer as it was sent', async () => {
      const heads: string[] = [];
      await using rig = await open([
        async (connection) => {
          heads.push(await connection.head());
          connection.send(
            'HTTP/1.1 299 Odd One\r\nSet-Cookie: a\r\nset-cookie: b\r\nContent-Length: 2\r\n\r\nok',
          );
          await connection.closed;
        },
      ]);
      const fields = ['Host', 'a.example', 'X-Twice', '1', 'x-twice', '2'];
      const { status, reason, body, ...answer } = await rig.client.send({ ...GET, fields });
      assert.deepEqual([status, reason, await text(body)], [299, 'Odd One', 'ok']);
      assert.deepEqual(answer.fields, ['Set-Cookie', 'a', 'set-cookie', 'b', 'Content-Length', '2']);
      const lines = 'Host: a.example\r\nX-Twice: 1\r\nx-twice: 2\r\nConnection: keep-alive\r\n\r\n';
      assert.deepEqual(heads, [`GET /a?b HTTP/1.1\r\n${lines}`]);
    });

    test('a body that came whole with its head is there at once, as bytes and as a stream', async () => {
      await using rig = await open([
        answers('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n'),
      ]);
      const first = await rig.client.send(GET);
      assert.equal(Buffer.from(first.bytes ?? []).toString(), 'ok');
      assert.deepEqual(first.trailers(), ['X-Sum', '1']);
      assert.equal(await text(first.body), 'ok');
    });

    test('a body of which a byte is missing is a stream', async () => {
      const seen = new Barrier(2);
      await using rig = await open([
        async (connection) => {
          await connection.head();
          connection.send(OK.slice(0, -1));
          await seen.reach();
          connection.send('k');
          await connection.closed;
        },
      ]);
      const { bytes, body } = await rig.client.send(GET);
      assert.equal(bytes, undefined);
      await seen.reach();
      assert.equal(await text(body), 'ok');
    });

    test('a body of known length keeps it, another is sent in chunks with its trailers', async () => {
      const sent: string[] = [];
      await using rig = await open([
        async (connection) => {
          sent.push((await connection.head()) + (await connection.bytes(5)));
          connection.send(OK);
          sent.push(await connection.until('\r\n\r\n'), await connection.until('\r\n\r\n'));
          connection.send(OK);
          sent.push(await connection.head());
          connection.send(OK);
          await connection.closed;
        },
      ]);
      const post = { ...GET, method: 'POST' };
      const known = { ...post, fields: [...GET.fields, 'Content-Length', '5'], body: bytes('hello') };
      await text((await rig.client.send(known)).body);
      const trailers = (): Fields => ['X-Sum', '1'];
      await text((await rig.client.send({ ...post, body: bytes('hello'), trailers })).body);
      await text((await rig.client.send(post)).body);
      assert.match(sent[0] ?? '', /\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello$/);
      assert.match(sent[1] ?? '', /\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n$/);
      assert.equal(sent[2], '5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n');
      assert.match(sent[3] ?? '', /^POST .*\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n$/s);
    });

    test('a body that is not as long as was announced never becomes a request', async () => {
      const cut: Script = async (connection) => {
        await connection.head();
        await connection.closed;
      };
      await using rig = await open([cut, cut, cut]);
      for (const content of ['hell', 'hello!']) {
        const fields = [...GET.fields, 'Content-Length', '5'];
        await assert.rejects(rig.client.send({ ...GET, method: 'PUT', fields, body: bytes(content) }), {
          code: 'BODY_TRUNCATED',
        });
      }
      const broken = new Readable({ read: () => broken.destroy(new Error('gone')) });
      await assert.rejects(rig.client.send({ ...GET, method: 'PUT', body: broken }), {
        code: 'BODY_TRUNCATED',
      });
    });

    test('connections are kept and used again, up to a limit', async () => {
      const both = new Barrier(3);
      await using rig = await open(
        [
          async (connection) => {
            await connection.head();
            await both.reach();
            connection.send(OK);
            await connection.head();
            connection.send(OK);
            await connection.closed;
          },
          async (connection) => {
            await connection.head();
            await both.reach();
            connection.send(OK);
            await connection.closed;
          },
        ],
        { maxConnections: 2 },
      );
      const sent = [1, 2, 3].map(async () => {
        const { body, isReused } = await rig.client.send(GET);
        assert.equal(await text(body), 'ok');
        return isReused;
      });
      await until(async () => rig.origin.connections === 2);
      await both.reach();
      assert.deepEqual((await Promise.all(sent)).sort(), [false, false, true]);
    });

    test('what a kept connection did not hear is said again once, on a new one', async () => {
      await using rig = await open([
        async (connection) => {
          await connection.head();
          connection.send(OK);
          await connection.head();
          connection.reset();
        },
        answers(OK),
      ]);
      await text((await rig.client.send(GET)).body);
      const { body, isReused } = await rig.client.send(GET);
      assert.equal(await text(body), 'ok');
      assert.equal(isReused, false);
      assert.equal(rig.origin.connections, 2);
    });

    const saidOnce: Record<string, [OriginRequest, before: string]> = {
      'a POST': [{ ...GET, method: 'POST' }, ''],
      'a PUT with a body': [{ ...GET, method: 'PUT', body: bytes('hello') }, ''],
      'a GET of whose answer a byte came': [GET, 'H'],
      'a GET that got an interim answer': [GET, 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    };

    for (const [what, [request, before]] of Object.entries(saidOnce)) {
      test(`${what} is not said again`, async () => {
        await using rig = await open([
          async (connection) => {
            await connection.head();
            connection.send(OK);
            await connection.head();
            connection.send(before);
            connection.end();
            await connection.closed;
          },
        ]);
        const first = request.method === 'GET' ? GET : { ...GET, method: 'POST' };
        await text((await rig.client.send(first)).body);
        await assert.rejects(rig.client.send(request), { failure: 'reset' });
        assert.equal(rig.origin.connections, 1);
      });
    }

    test('a new connection that is closed without an answer is not tried again', async () => {
      const deaf: Script = async (connection) => {
        await connection.head();
        connection.reset();
      };
      await using rig = await open([deaf, answers(OK)]);
      await assert.rejects(rig.client.send(GET), { failure: 'reset' });
      assert.equal(rig.origin.connections, 1);
    });

    test('an origin that takes no connections refuses', async () => {
      const url = `http://127.0.0.1:${await freePort()}`;
      using client = openClient({ url });
      await assert.rejects(client.send(GET), failure('refused', 502));
    });

    test('a request that gets no connection ends in time', async () => {
      await using rig = await open([async (connection) => connection.closed], { maxConnections: 1 });
      const first = rig.client.send(GET);
      first.catch(() => {});
      await until(async () => rig.clock.isWaitedFor(ORIGIN_DEFAULTS.headersTimeout));
      const waiting = assert.rejects(rig.client.send(GET), failure('timeout-connect', 504));
      rig.clock.advance(ORIGIN_DEFAULTS.connectTimeout);
      await waiting;
    });

    test('an origin that says nothing is given up in time, and the next request is served', async () => {
      await using rig = await open([async (connection) => connection.closed, answers(OK)]);
      const silent = assert.rejects(rig.client.send(GET), failure('timeout-headers', 504));
      await until(async () => rig.clock.isWaitedFor(ORIGIN_DEFAULTS.headersTimeout));
      rig.clock.advance(ORIGIN_DEFAULTS.headersTimeout);
      await silent;
      await rig.origin.done().catch(() => {});
      assert.equal(await text((await rig.client.send(GET)).body), 'ok');
    });

    test('an interim answer begins the wait anew', async () => {
      const more = new Barrier(2);
      await using rig = await open([
        async (connection) => {
          await connection.head();
          await more.reach();
          connection.send('HTTP/1.1 102 Processing\r\n\r\n');
          await connection.closed;
        },
      ]);
      const interim = Promise.withResolvers<number>();
      const sent = assert.rejects(rig.client.send(GET, { onInterim: interim.resolve }), {
        failure: 'timeout-headers',
      });
      await until(async () => rig.clock.isWaitedFor(ORIGIN_DEFAULTS.headersTimeout));
      rig.clock.advance(ORIGIN_DEFAULTS.headersTimeout - 1);
      await more.reach();
      assert.equal(await interim.promise, 102);
      assert.ok(rig.clock.isWaitedFor(ORIGIN_DEFAULTS.headersTimeout));
      rig.clock.advance(ORIGIN_DEFAULTS.headersTimeout);
      await sent;
    });

    test('a body that stands still fails; a reader that does may take its time', async () => {
      const large = 4 * 1024 * 1024;
      await using rig = await open([
        async (connection) => {
          await connection.head();
          connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${large + 1}\r\n\r\n${'x'.repeat(large)}`);
          await connection.closed;
        },
      ]);
      const { body } = await rig.client.send(GET);
      body.once('readable', () => {}); // fills the buffer, and stops there
      await until(async () => body.readableLength >= body.readableHighWaterMark);
      rig.clock.advance(ORIGIN_DEFAULTS.idleTimeout);
      assert.equal(body.destroyed, false);
      let taken = 0;
      body.on('data', (chunk: Buffer) => {
        taken += chunk.length;
      });
      await until(async () => taken === large);
      const failed = once(body, 'error');
      rig.clock.advance(ORIGIN_DEFAULTS.idleTimeout);
      const [error] = await failed;
      assert.equal(error.failure, 'timeout-idle');
    });

    test('what came before the origin closed is read to its end, however slowly', async () => {
      const large = 300_000;
      for (const framing of ['', `Content-Length: ${large}\r\n`]) {
        await using rig = await open([
          async (connection) => {
            await connection.head();
            connection.send(`HTTP/1.1 200 OK\r\nConnection: close\r\n${framing}\r\n${'x'.repeat(large)}`);
            connection.end();
            await connection.closed;
          },
        ]);
        const { body } = await rig.client.send(GET);
        let taken = 0;
        for await (const chunk of body) {
          taken += (chunk as Buffer).length;
          for (let turn = 0; turn < 30; turn += 1) await new Promise(setImmediate);
        }
        assert.equal(taken, large);
      }
    });

    test('memory is bounded: a body is read no faster than it is taken', async () => {
      const large = 32 * 1024 * 1024;
      const { promise: all, resolve } = Promise.withResolvers<void>();
      await using rig = await open([
        async (connection) => {
          await connection.head();
          connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${large}\r\n\r\n`);
          connection.send('x'.repeat(large));
          resolve();
          await connection.closed;
        },
      ]);
      const { body } = await rig.client.send(GET);
      body.once('readable', () => {});
      await all;
      for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
      assert.ok(body.readableLength < 1024 * 1024, `${body.readableLength} bytes are held`);
    });

    test('an origin that does not read the body is given up in time', async () => {
      await using rig = await open([
        async (connection) => {
          await connection.head();
          connection.stopReading();
          await connection.closed;
        },
      ]);
      const endless = new Readable({ read: () => endless.push(Buffer.alloc(64 * 1024)) });
      const sent = assert.rejects(
        rig.client.send({ ...GET, method: 'PUT', body: endless }),
        failure('timeout-idle', 504),
      );
      await until(async () => {
        const before = rig.clock.isWaitedFor(ORIGIN_DEFAULTS.idleTimeout);
        for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
        return before && rig.clock.isWaitedFor(ORIGIN_DEFAULTS.idleTimeout);
      });
      rig.clock.advance(ORIGIN_DEFAULTS.idleTimeout);
      await sent;
      assert.equal(endless.destroyed, false);
      assert.equal(endless.isPaused(), true);
    });

    test('a request that is given up ends its connection, before and within the answer', async () => {
      const early = new AbortController();
      const late = new AbortController();
      await using rig = await open([
        async (connection) => {
          await connection.head();
          early.abort(new Error('the client is gone'));
          await connection.closed;
        },
        async (connection) => {
          await connection.head();
          connection.send('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello');
          await connection.closed;
        },
      ]);
      await assert.rejects(rig.client.send(GET, { signal: early.signal }), /the client is gone/);
      const { body } = await rig.client.send(GET, { signal: late.signal });
      late.abort(new Error('the client is gone'));
      await assert.rejects(text(body), /the client is gone/);
      await rig.origin.done();
    });

    test('a body waits for the origin that was asked, and is not sent to one that says no', async () => {
      await using rig = await open([
        async (connection) => {
          await connection.head();
          connection.send('HTTP/1.1 100 Continue\r\n\r\n');
          await connection.bytes(5);
          connection.send(OK);
          const head = await connection.head();
          connection.send('HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n');
          await connection.closed;
          assert.match(head, /\r\nExpect: 100-continue\r\n/);
          assert.equal(connection.rest, '');
        },
        async (connection) => {
          await connection.head();
          await connection.bytes(5);
          connection.send(OK);
          await connection.closed;
        },
      ]);
      const fields = [...GET.fields, 'Content-Length', '5', 'Expect', '100-continue'];
      const put = () => ({ ...GET, method: 'PUT', fields, body: bytes('hello') });
      const interims: number[] = [];
      await text((await rig.client.send(put(), { onInterim: (status) => interims.push(status) })).body);
      assert.deepEqual(interims, []);
      const refused = await rig.client.send(put());
      assert.equal(refused.status, 413);
      await text(refused.body);
      const unanswered = rig.client.send(put());
      await until(async () => rig.clock.isWaitedFor(ORIGIN_DEFAULTS.continueTimeout));
      rig.clock.advance(ORIGIN_DEFAULTS.continueTimeout);
      assert.equal(await text((await unanswered).body), 'ok');
      await rig.origin[Symbol.asyncDispose]();
      await rig.origin.done();
    });

    test('an answer that comes before the body has gone ends the sending of it', async () => {
      await using rig = await open([
        async (connection) => {
          await connection.head();
          connection.send(OK);
          await connection.closed;
        },
      ]);
      const body = new PassThrough();
      const answer = await rig.client.send({ ...GET, method: 'PUT', body });
      assert.equal(await text(answer.body), 'ok');
      await rig.origin.done();
      assert.equal(body.destroyed, false);
    });

    test('trailers are there once the body has ended', async () => {
      const heads: string[] = [];
      await using rig = await open([
        async (connection) => {
          heads.push(await connection.head());
          connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n');
          connection.send('2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n');
          await connection.closed;
        },
      ]);
      const { body, trailers } = await rig.client.send({ ...GET, takesTrailers: true });
      await text(body);
      assert.deepEqual(trailers(), ['X-Sum', '1']);
      assert.match(heads[0] ?? '', /\r\nTE: trailers\r\nConnection: keep-alive, TE\r\n/);
    });

    test('redirects are answers, not followed', async () => {
      await using rig = await open([
        answers('HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n'),
      ]);
      const { status, fields, body } = await rig.client.send(GET);
      await text(body);
      assert.deepEqual([status, fields.slice(0, 2)], [302, ['Location', 'http://169.254.169.254/']]);
      assert.equal(rig.origin.connections, 1);
    });

    test('TLS is trusted by its authority and name, and a certificate of ours is shown', async (t) => {
      const certificate = await makeTestCertificate();
      if ('skip' in certificate) return t.skip(certificate.skip);
      await using files = certificate;
      const [cert, key] = await Promise.all([
        readFile(files.certificatePath, 'utf8'),
        readFile(files.keyPath, 'utf8'),
      ]);
      const tls = { cert, key, requestCert: true, ca: cert };
      await using origin = await ScriptedOrigin.start(
        [1, 2, 3, 4].map(() => answers(OK)),
        tls,
      );
      const { url } = origin;
      using known = openClient({ url, tls: { ca: cert, certificate: cert, key } });
      assert.equal(await text((await known.send(GET)).body), 'ok');
      using misnamed = openClient({
        url,
        tls: { ca: cert, certificate: cert, key, serverName: 'b.example' },
      });
      await assert.rejects(misnamed.send(GET), failure('tls', 502));
      using lenient = openClient({ url, tls: { isVerified: false, certificate: cert, key } });
      assert.equal(await text((await lenient.send(GET)).body), 'ok');
      await using plain = await ScriptedOrigin.start([
        async (connection) => {
          connection.send('HTTP/1.1 400 Bad Request\r\n\r\n');
          connection.end();
        },
      ]);
      using confused = openClient({ url: plain.url.replace('http:', 'https:') });
      await assert.rejects(confused.send(GET), failure('tls', 502));
    });

    interface Rig extends AsyncDisposable {
      readonly origin: ScriptedOrigin;
      readonly client: OriginClient;
      readonly clock: ManualClock;
    }

    async function open(scripts: readonly Script[], settings: Partial<OriginSettings> = {}): Promise<Rig> {
      const clock = new ManualClock();
      const origin = await ScriptedOrigin.start(scripts);
      const client = openClient({ ...settings, url: origin.url, clock });
      const close = async (): Promise<void> => {
        client.close();
        await origin[Symbol.asyncDispose]();
      };
      return { origin, client, clock, [Symbol.asyncDispose]: close };
    }

    function openClient(settings: Partial<OriginSettings> & { url: string }): OriginClient & Disposable {
      const client = openOrigin({ ...ORIGIN_DEFAULTS, clock: new ManualClock(), ...settings });
      return Object.assign(client, { [Symbol.dispose]: () => client.close() });
    }

    function bytes(content: string): Readable {
      return Readable.from([Buffer.from(content)]);
    }

    async function text(body: Readable): Promise<string> {
      return Buffer.concat(await body.toArray()).toString('latin1');
    }

    function failure(expected: OriginFailure, status: number): (error: unknown) => boolean {
      return (error) => {
        assert.ok(error instanceof OriginError, String(error));
        assert.deepEqual([error.failure, error.status], [expected, status]);
        return true;
      };
    }
  });
}
