import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { Barrier, type Script } from '../../test/rig/scripted-origin.ts';
import { openTempFolder } from '../../test/rig/temp-folder.ts';
import { makeTestCertificate, type TestCertificate } from '../../test/rig/test-certificate.ts';
import { TestProxy } from '../../test/rig/test-proxy.ts';
import { until } from '../../test/rig/until.ts';

const made = await makeTestCertificate();
const skip = 'skip' in made ? made.skip : false;
const certificate = made as TestCertificate;

interface Answer {
  readonly headers: IncomingHttpHeaders & { readonly ':status'?: number };
  readonly body: string;
  readonly trailers: IncomingHttpHeaders;
  /** Of the stream: 0 where it ended well. */
  readonly code: number;
}

/** One request of a session, to its end, however that is. */
async function ask(
  session: ClientHttp2Session,
  headers: Readonly<Record<string, string | string[]>>,
  send?: { readonly body: string; readonly trailers?: Readonly<Record<string, string>> },
): Promise<Answer> {
  const stream = session.request({ ':path': '/', ...headers }, { endStream: !send, waitForTrailers: true });
  let [answered, trailers, body]: [IncomingHttpHeaders, IncomingHttpHeaders, string] = [{}, {}, ''];
  stream.on('response', (received) => {
    answered = received;
  });
  stream.on('trailers', (received) => {
    trailers = received;
  });
  stream.on('wantTrailers', () => stream.sendTrailers(send?.trailers ?? {}));
  stream.setEncoding('latin1').on('data', (text: string) => {
    body += text;
  });
  stream.on('error', () => {});
  if (send) stream.end(send.body);
  await once(stream, 'close').catch(() => {});
  return { headers: answered, body, trailers, code: stream.rstCode ?? 0 };
}

/** What an origin was told, once it has answered each request with `answer`. */
function telling(answer: string, heads: string[] = []): Script {
  return async (connection) => {
    for await (const head of connection.heads()) {
      heads.push(head);
      connection.send(answer);
    }
  };
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('over TLS', { skip }, () => {
  let env: NodeJS.ProcessEnv;
  before(() => {
    env = {
      VC_PROXY_TLS_CERTIFICATE: certificate.certificatePath,
      VC_PROXY_TLS_KEY: certificate.keyPath,
    };
  });
  after(() => certificate[Symbol.asyncDispose]());

  async function withSession(
    scripts: readonly Script[],
    use: (session: ClientHttp2Session, proxy: TestProxy) => Promise<void>,
    more: NodeJS.ProcessEnv = {},
  ): Promise<void> {
    await using proxy = await TestProxy.start(scripts, { ...env, ...more });
    const session = connect(proxy.url, { ca: await readFile(certificate.certificatePath) });
    session.on('error', () => {});
    try {
      await use(session, proxy);
    } finally {
      session.destroy();
    }
  }

  test('HTTP/1.1 is spoken with who speaks nothing else, and the backend is told that it was TLS', async () => {
    const heads: string[] = [];
    await using proxy = await TestProxy.start([telling(OK, heads)], env);
    assert.match(proxy.url, /^https:/);
    const answer = await fetch(proxy.url);
    assert.equal(await answer.text(), 'ok');
    assert.match(heads[0] ?? '', /^X-Forwarded-Proto: https\r$/m);
    assert.match(heads[0] ?? '', /^Via: 1\.1 velocity\r$/m);
  });

  test('nothing older than TLS 1.2 is', async () => {
    await using proxy = await TestProxy.start([], env);
    const { port } = new URL(proxy.url);
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const socket = connectTls({ port: Number(port), host: '127.0.0.1', rejectUnauthorized: false, ...old });
    await assert.rejects(once(socket, 'secureConnect'));
  });

  test('a request of HTTP/2 is passed on as what it means', async () => {
    const heads: string[] = [];
    const answer =
      'HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nVary: a\r\nVary: b\r\nETag: "1"\r\nETag: "2"\r\n\r\nok';
    await withSession([telling(answer, heads)], async (session, proxy) => {
      const { headers, body } = await ask(session, {
        ...{ ':path': '/a?b', ':authority': 'shop.example.org', 'x-mine': '1', te: 'trailers' },
        cookie: ['a=1', 'b=2'],
      });
      assert.equal(body, 'ok');
      assert.equal(headers[':status'], 200);
      assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2']);
      assert.equal(headers.vary, 'a, b');
      assert.equal(headers['x-hop'], undefined);
      const [head = ''] = heads;
      assert.match(head, /^GET \/a\?b HTTP\/1\.1\r\n/);
      assert.match(head, /^cookie: a=1; b=2\r$/m);
      assert.match(head, /^X-Forwarded-Host: shop\.example\.org\r$/m);
      assert.match(head, /^X-Forwarded-Proto: https\r$/m);
      assert.match(head, /^Via: 2\.0 velocity\r$/m);
      assert.doesNotMatch(head, /^:|Transfer-Encoding|Content-Length/im);
      await until(async () => proxy.transactions.length === 1);
      const [{ status, host, client, sentBytes } = {}] = proxy.transactions;
      assert.deepEqual([status, host, client, sentBytes], [200, 'shop.example.org', '127.0.0.1', 2]);
    });
  });

  test('a body goes on as it comes, with its length or in chunks, and trailers either way', async () => {
    const told: string[] = [];
    const echo: Script = async (connection) => {
      told.push((await connection.head()) + (await connection.until('0\r\nx-sum: 1\r\n\r\n')));
      connection.send(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n',
      );
      told.push((await connection.head()) + (await connection.bytes(5)));
      connection.send(OK);
    };
    await withSession([echo], async (session) => {
      const post = { ':method': 'POST', te: 'trailers', trailer: 'X-Sum' };
      const chunked = await ask(session, post, { body: 'hello', trailers: { 'x-sum': '1' } });
      assert.equal(chunked.body, 'ok');
      assert.equal(chunked.trailers['x-sum'], '2');
      assert.match(told[0] ?? '', /^Transfer-Encoding: chunked\r$/m);
      const counted = await ask(session, { ':method': 'POST', 'content-length': '5' }, { body: 'hello' });
      assert.equal(counted.body, 'ok');
      assert.match(told[1] ?? '', /^Content-Length: 5\r$/m);
    });
  });

  test('an answer without a body has none, and hints come before it', async () => {
    const hinting = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n';
    await withSession([telling(hinting)], async (session) => {
      const stream = session.request({ ':path': '/' });
      const [[hints], [answer]] = (await Promise.all([
        once(stream, 'headers'),
        once(stream, 'response'),
      ])) as [[IncomingHttpHeaders], [IncomingHttpHeaders]];
      assert.deepEqual([hints[':status'], hints['link']], [103, '</a.css>']);
      assert.equal(answer[':status'], 204);
      stream.close();
      const head = await ask(session, { ':method': 'HEAD', ':path': '/#a' });
      assert.deepEqual([head.headers[':status'], head.body], [400, '']);
    });
  });

  test('a client that waits to be told to send its body is told when somebody reads it', async () => {
    const reading: Script = async (connection) => {
      await connection.head();
      await connection.bytes(5);
      connection.send(OK);
    };
    await withSession([reading], async (session) => {
      const stream = session.request({
        ':path': '/',
        ':method': 'PUT',
        expect: '100-continue',
        'content-length': '5',
      });
      await once(stream, 'continue');
      stream.end('hello');
      const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
      assert.equal(headers[':status'], 200);
      stream.close();
    });
  });

  test('what is not admitted is refused alone: other requests of its connection go on', async () => {
    await withSession([telling(OK)], async (session, proxy) => {
      const refusals = [{ ':authority': 'a', host: 'b' }, { ':method': 'TRACE' }, { ':path': '/#a' }];
      const answers = await Promise.all([...refusals, { ':path': '/fine' }].map((one) => ask(session, one)));
      assert.deepEqual(
        answers.map(({ headers }) => headers[':status']),
        [400, 405, 400, 200],
      );
      assert.equal(proxy.origin.connections, 1);
    });
  });

  test('a refused body is not waited for', async () => {
    await withSession([], async (session) => {
      const stream = session.request({ ':path': '/#a', ':method': 'POST' }, { endStream: false });
      stream.write('a part');
      const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
      assert.equal(headers[':status'], 400);
      stream.resume();
      await once(stream, 'close');
      assert.equal(stream.rstCode, constants.NGHTTP2_NO_ERROR);
    });
  });

  test('a request that stands still is cut; one that waits for the backend is not', async () => {
    const [asked, patience] = [new Barrier(2), new Barrier(2)];
    const waiting: Script = async (connection) => {
      await connection.head();
      await asked.reach();
      await patience.reach();
      connection.send(OK);
    };
    const half: Script = (connection) => connection.closed;
    const idle = { VC_PROXY_IDLE_TIMEOUT: '150ms' };
    await withSession(
      [waiting, half],
      async (session) => {
        const answer = ask(session, {});
        await asked.reach();
        const slow = session.request({ ':path': '/', ':method': 'POST' }, { endStream: false });
        slow.on('error', () => {});
        slow.write('a part');
        await once(slow, 'close');
        assert.equal(slow.rstCode, constants.NGHTTP2_CANCEL);
        await patience.reach();
        assert.equal((await answer).body, 'ok');
      },
      idle,
    );
  });

  test('streams are let go of once they are answered', async () => {
    await withSession([telling(OK)], async (session, proxy) => {
      for (let round = 0; round < 300; round++) assert.equal((await ask(session, {})).body, 'ok');
      await until(async () => proxy.transactions.length === 300);
      assert.equal(proxy.origin.connections, 1);
    });
  });

  test('an answer that breaks off is cut, not ended', async () => {
    const breaking: Script = async (connection) => {
      await connection.head();
      connection.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n');
      connection.end();
    };
    await withSession([breaking], async (session, proxy) => {
      const { code } = await ask(session, {});
      assert.equal(code, constants.NGHTTP2_INTERNAL_ERROR);
      await until(async () => proxy.transactions.length === 1);
      assert.equal(proxy.transactions[0]?.status, 'aborted');
    });
  });

  test('a client that takes a request back ends it at the backend', async () => {
    const asked = new Barrier(2);
    const waiting: Script = async (connection) => {
      await connection.head();
      await asked.reach();
      await connection.closed;
    };
    await withSession([waiting, telling(OK)], async (session, proxy) => {
      const stream = session.request({ ':path': '/' });
      stream.on('error', () => {});
      await asked.reach();
      stream.close(constants.NGHTTP2_CANCEL);
      await until(async () => proxy.transactions.length === 1);
      assert.equal(proxy.transactions[0]?.status, 'aborted');
      assert.equal((await ask(session, {})).body, 'ok');
    });
  });

  test('a connection of HTTP/2 ends after its last answer when the proxy stops', async () => {
    const [asked, go] = [new Barrier(2), new Barrier(2)];
    const waiting: Script = async (connection) => {
      await connection.head();
      await asked.reach();
      await go.reach();
      connection.send(OK);
    };
    await withSession([waiting], async (session, proxy) => {
      const answer = ask(session, {});
      await asked.reach();
      const goaway = once(session, 'goaway');
      const stopped = proxy.stop();
      await goaway;
      await go.reach();
      assert.equal((await answer).body, 'ok');
      await stopped;
    });
  });

  test('a certificate that is replaced is taken, and one that cannot be used is not', async () => {
    await using folder = await openTempFolder();
    const [certPath, keyPath] = [join(folder.path, 'cert.pem'), join(folder.path, 'key.pem')];
    await copyFile(certificate.certificatePath, certPath);
    await copyFile(certificate.keyPath, keyPath);
    const own = { VC_PROXY_TLS_CERTIFICATE: certPath, VC_PROXY_TLS_KEY: keyPath };
    const other = (await makeTestCertificate()) as TestCertificate;
    await using proxy = await TestProxy.start([], own);
    const shown = async (): Promise<string> => {
      const { port } = new URL(proxy.url);
      const socket: TLSSocket = connectTls({
        port: Number(port),
        host: '127.0.0.1',
        rejectUnauthorized: false,
      });
      await once(socket, 'secureConnect');
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const first = await shown();
    await copyFile(other.keyPath, keyPath);
    for (let look = 0; look < 2; look++) proxy.clock.advance(30_000);
    assert.equal(await shown(), first);
    const warnings = proxy.lines.filter(({ level }) => level === 'warn');
    assert.equal(warnings.length, 1, 'told once');
    assert.match(String(warnings[0]?.['why']), /is not the key of the certificate/);
    await copyFile(other.certificatePath, certPath);
    proxy.clock.advance(30_000);
    const second = await shown();
    assert.notEqual(second, first);
    await writeFile(certPath, 'no certificate');
    proxy.server.reloadCertificate();
    assert.equal(await shown(), second);
    await other[Symbol.asyncDispose]();
  });

  test('files that cannot be used are told at the start', async () => {
    const { certificatePath, keyPath } = certificate;
    const pairs = [
      ['/nowhere.pem', keyPath, /Cannot read \/nowhere\.pem/],
      [keyPath, keyPath, /holds no certificate in PEM/],
      [certificatePath, certificatePath, /holds no private key in PEM/],
    ] as const;
    for (const [cert, key, message] of pairs)
      await assert.rejects(TestProxy.start([], { VC_PROXY_TLS_CERTIFICATE: cert, VC_PROXY_TLS_KEY: key }), {
        code: 'TLS_INVALID',
        message,
      });
  });
});
