/** Answers that another reader could take for something else (response splitting, desynchronisation). */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { ORIGIN_CLIENTS } from '../../../../test/rig/origin-clients.ts';
import { type ScriptedConnection, ScriptedOrigin } from '../../../../test/rig/scripted-origin.ts';
import type { OriginClient, OriginRequest } from './origin-client.ts';
import { OriginError, type OriginFailure } from './origin-error.ts';
import { ORIGIN_DEFAULTS } from './origin-settings.ts';

const GET: OriginRequest = { method: 'GET', target: '/', fields: ['Host', 'a'] };
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

const refusedHeads: Record<string, string> = {
  'two lengths that agree': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
  'two lengths that differ': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!',
  'a list of lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello',
  'a length with a sign': 'HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello',
  'an empty length': 'HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n',
  'a length beyond all numbers': 'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n',
  'a length before a coding':
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a length behind a coding':
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n',
  'a coding before chunked': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
  'a coding behind chunked': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n',
  'chunked twice':
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'an unknown coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
  'the coding identity': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nhello',
  'an empty coding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\nhello',
  'chunked in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a CR in a value': 'HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n',
  'an LF in a value': 'HTTP/1.1 200 OK\r\nX: a\nY: b\r\nContent-Length: 0\r\n\r\n',
  'a NUL in a value': 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n',
  'a folded line': 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n',
  'a blank before a colon': 'HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello',
  'lines that end in LF': 'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
  'a CR in the reason': 'HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n',
  'a control character in the reason': 'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n',
  'a status below 100': 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n',
  'a status above 599': 'HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n',
  'a status of two digits': 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n',
  'version 2.0': 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  'version 0.9': 'HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n',
  'no HTTP at all': '220 mail.example ESMTP\r\n',
  'a 204 with a length': 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello',
  'a 204 in chunks': 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'a 204 with bytes after it': 'HTTP/1.1 204 No Content\r\n\r\nhello',
  'a 304 with a body': 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello',
  'an interim answer with a length': 'HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello',
  'an interim answer in chunks':
    'HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'interim answers without end': `${'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(1000)}HTTP/1.1 204 OK\r\n\r\n`,
  'a switch nobody asked for': 'HTTP/1.1 101 Hi\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\nhello',
  'a switch to nothing': 'HTTP/1.1 101 Hi\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
};

for (const [by, openOrigin] of ORIGIN_CLIENTS) {
  describe(by, () => {
    for (const [what, answer] of Object.entries(refusedHeads)) {
      test(`an answer with ${what} is malformed, and its connection is closed`, async () => {
        const failure = await failureOf(answer, async ({ send }) => {
          await send(GET);
        });
        assert.equal(failure, 'malformed');
      });
    }

    test('a body that follows a HEAD is malformed', async () => {
      const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
      const failure = await failureOf(answer, async ({ send }) => {
        await send({ ...GET, method: 'HEAD' });
      });
      assert.equal(failure, 'malformed');
    });

    const refusedBodies: Record<string, string> = {
      'a size that is no number': 'zz\r\nhello\r\n0\r\n\r\n',
      'a size in C': '0x5\r\nhello\r\n0\r\n\r\n',
      'a negative size': '-5\r\nhello\r\n0\r\n\r\n',
      'a size beyond all numbers': 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n',
      'a blank behind the size': '5 \r\nhello\r\n0\r\n\r\n',
      'more than its size': '5\r\nhello!\r\n0\r\n\r\n',
      'lines that end in LF': '5\nhello\n0\n\n',
      'an extension without end': `5;a=${'b'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`,
      'a length among the trailers': '5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n',
      'a CR in a trailer': '5\r\nhello\r\n0\r\nX: a\rb\r\n\r\n',
    };

    for (const [what, chunks] of Object.entries(refusedBodies)) {
      test(`a chunked body with ${what} fails, and its connection is closed`, async () => {
        const failure = await failureOf(CHUNKED + chunks, async ({ send }) => {
          const { body } = await send(GET);
          await body.toArray();
        });
        assert.equal(failure, 'malformed');
      });
    }

    const cutBodies: Record<string, string> = {
      'before its length': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
      'before its last chunk': `${CHUNKED}5\r\nhello\r\n`,
      'within its trailers': `${CHUNKED}5\r\nhello\r\n0\r\nX: a\r\n`,
    };

    for (const [when, answer] of Object.entries(cutBodies)) {
      for (const how of ['end', 'reset'] as const) {
        test(`a body that breaks off ${when} (${how}) fails and never ends`, async () => {
          const failure = await failureOf(answer, async ({ send, connection }) => {
            const { body } = await send(GET);
            let isEnded = false;
            body.once('end', () => {
              isEnded = true;
            });
            const all = body.toArray();
            all.catch(() => {});
            (await connection)[how]();
            await all.finally(() => assert.equal(isEnded, false));
          });
          assert.equal(failure, 'reset');
        });
      }
    }

    test('a body that lasts as long as its connection fails with a reset', async () => {
      const failure = await failureOf('HTTP/1.1 200 OK\r\n\r\nhello', async ({ send, connection }) => {
        const { body } = await send(GET);
        (await connection).reset();
        await body.toArray();
      });
      assert.equal(failure, 'reset');
    });

    test('a head that is too large, a trailer that is, and too many fields are said to be', async () => {
      const large = `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`;
      const many = `HTTP/1.1 200 OK\r\n${'a:\r\n'.repeat(2_500)}Content-Length: 0\r\n\r\n`;
      const trailer = `${CHUNKED}5\r\nhello\r\n0\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`;
      for (const answer of [large, many, trailer]) {
        const failure = await failureOf(answer, async ({ send }) => {
          await send(GET);
        });
        assert.equal(failure, 'too-large-head');
      }
    });

    test('what comes after the end of an answer is read by nobody', async () => {
      const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
      const extra = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad';
      await using origin = await ScriptedOrigin.start([
        async (connection) => {
          await connection.head();
          connection.send(answer + extra);
          await connection.closed;
        },
        async (connection) => {
          await connection.head();
          connection.send(answer);
          await connection.closed;
        },
      ]);
      using client = openClient(origin.url);
      for (let round = 0; round < 2; round += 1) {
        const { body } = await client.send(GET);
        assert.equal((await body.toArray()).join(''), 'ok');
      }
      assert.equal(origin.connections, 2);
    });

    test('bytes that come while a connection is idle close it', async () => {
      await using origin = await ScriptedOrigin.start([
        async (connection) => {
          await connection.head();
          connection.send('HTTP/1.1 204 No Content\r\n\r\n');
          await nextTurns();
          connection.send('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad');
          await connection.closed;
        },
        async (connection) => {
          await connection.head();
          connection.send('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
          await connection.closed;
        },
      ]);
      using client = openClient(origin.url);
      await (await client.send(GET)).body.toArray();
      await origin.done();
      const { body, isReused } = await client.send(GET);
      assert.equal((await body.toArray()).join(''), 'ok');
      assert.equal(isReused, false);
    });

    /** What answers are made of, whole and in pieces. */
    const PIECES = [
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.0 200 OK\r\n',
      'HTTP/1.1 103 Early Hints\r\n',
      'HTTP/1.1 101 Hi\r\n',
      'HTTP/1.1 204 No Content\r\n',
      'HTTP/1.1 304 Not Modified\r\n',
      'Content-Length: 5\r\n',
      'Content-Length: 0\r\n',
      'Transfer-Encoding: chunked\r\n',
      'Connection: Upgrade\r\nUpgrade: foo\r\n',
      'Connection: close\r\n',
      '\r\n',
      'hello',
      '5\r\nhello\r\n',
      '0\r\n\r\n',
      '0\r\nX: y\r\n',
      '\r',
      '\n',
      '\0',
    ];

    test('whatever an origin sends, it is a whole answer of at most one body or a failure', async () => {
      const answers = fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 8 });
      await fc.assert(
        fc.asyncProperty(answers, fc.constantFrom('GET', 'HEAD'), async (pieces, method) => {
          await using origin = await ScriptedOrigin.start([
            async (connection) => {
              await connection.head();
              for (const piece of pieces) connection.send(piece);
              connection.end();
            },
          ]);
          using client = openClient(origin.url);
          try {
            const { status, body } = await client.send({ ...GET, method });
            const content = (await body.toArray()).join('');
            assert.ok(status >= 200 && status <= 599);
            if (method === 'HEAD' || status === 204 || status === 304) assert.equal(content, '');
          } catch (error) {
            if (!(error instanceof OriginError)) throw error;
          }
          assert.equal(origin.connections, 1);
        }),
        { numRuns: 200 },
      );
    });

    interface Attack {
      send: OriginClient['send'];
      connection: Promise<ScriptedConnection>;
    }

    /** Answers the first request with these bytes; the origin must see its connection closed, and no second one. */
    async function failureOf(
      answer: string,
      attack: (means: Attack) => Promise<void>,
    ): Promise<OriginFailure> {
      const answered = Promise.withResolvers<ScriptedConnection>();
      await using origin = await ScriptedOrigin.start([
        async (connection) => {
          await connection.head();
          connection.send(answer);
          answered.resolve(connection);
          await connection.closed;
        },
      ]);
      using client = openClient(origin.url);
      const means = { send: client.send.bind(client), connection: answered.promise };
      const error: unknown = await attack(means).then(
        () => assert.fail('the answer was taken'),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof OriginError, String(error));
      await origin.done();
      assert.equal(origin.connections, 1);
      return error.failure;
    }

    function openClient(url: string): OriginClient & Disposable {
      const client = openOrigin({ ...ORIGIN_DEFAULTS, url, clock: new ManualClock() });
      return Object.assign(client, { [Symbol.dispose]: () => client.close() });
    }

    async function nextTurns(): Promise<void> {
      for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
    }
  });
}
