import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { test } from 'node:test';
import { HttpServer } from '../../test/rig/http-server.ts';
import { openSocket } from '../../test/rig/raw-http.ts';
import { VelocityError } from '../base/errors.ts';
import {
  announcedLength,
  boundedBody,
  drainRest,
  representationHead,
  sendBody,
  sendBytes,
  taken,
} from './transfer.ts';

const REPRESENTATION = {
  sizeBytes: 100,
  contentType: undefined,
  etag: 'abc',
  modifiedAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  span: 'whole',
} as const;

/** The flat list of names and values as an object. */
function toObject(headers: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(
    headers.flatMap((name, index) => (index % 2 ? [] : [[name, headers[index + 1]]])),
  );
}

/** What `work` made of the one exchange that the client has with it. */
async function exchange<T>(
  work: (request: IncomingMessage, response: ServerResponse) => Promise<T>,
  client: (url: string) => Promise<unknown>,
): Promise<{ server: PromiseSettledResult<T>; client: PromiseSettledResult<unknown> }> {
  const { promise: worked, resolve, reject } = Promise.withResolvers<T>();
  await using server = await HttpServer.start((incoming, response) =>
    work(incoming, response).then(resolve, reject),
  );
  const [served, asked] = await Promise.allSettled([worked, client(server.url)]);
  return { server: served, client: asked };
}

const CHUNKED = { 'transfer-encoding': 'chunked' };

/** An upload the test feeds by hand. */
function uploadTo(url: string, headers: Record<string, string>): ClientRequest {
  const sending = request(url, { method: 'PUT', headers });
  sending.on('error', () => {}); // being cut off is part of the game
  return sending;
}

async function statusOf(sending: ClientRequest): Promise<number | undefined> {
  const [reply] = (await once(sending, 'response')) as [IncomingMessage];
  reply.resume();
  return reply.statusCode;
}

test('the head of a whole representation is 200 with its length, its tag and the ranges it takes', () => {
  const { status, headers } = representationHead(REPRESENTATION);
  assert.equal(status, 200);
  assert.deepEqual(toObject(headers), {
    'content-type': 'application/octet-stream',
    'content-length': '100',
    'accept-ranges': 'bytes',
    etag: '"abc"',
    'last-modified': 'Fri, 02 Jan 2026 03:04:05 GMT',
  });
});

test('the head of a part is 206 with the part’s length and its place in the whole', () => {
  const { status, headers } = representationHead({ ...REPRESENTATION, span: { first: 10, last: 19 } });
  assert.equal(status, 206);
  assert.equal(toObject(headers)['content-length'], '10');
  assert.equal(toObject(headers)['content-range'], 'bytes 10-19/100');
});

test('a body is sent whole and its bytes are counted', async () => {
  const { server, client } = await exchange(
    (_request, response) => sendBody(response, Readable.from([Buffer.from('one '), Buffer.from('two')])),
    async (url) => (await fetch(url)).text(),
  );
  assert.deepEqual(server, { status: 'fulfilled', value: 7 });
  assert.deepEqual(client, { status: 'fulfilled', value: 'one two' });
});

test('a body that fails cuts the connection, and its failure is thrown', async () => {
  const { server, client } = await exchange(
    (_request, response) => {
      response.writeHead(200);
      const body = new PassThrough();
      body.write('begun');
      setImmediate(() => body.destroy(new Error('the disk failed')));
      return sendBody(response, body);
    },
    async (url) => (await fetch(url)).text(),
  );
  assert.equal(server.status === 'rejected' && server.reason.message, 'the disk failed');
  assert.equal(client.status, 'rejected');
});

test('a client that leaves is no failure, and the body is let go', async () => {
  const body = Readable.from(
    (async function* () {
      while (true) yield Buffer.alloc(65_536);
    })(),
    { objectMode: false },
  );
  const { server } = await exchange(
    (_request, response) => sendBody(response, body),
    async (url) => {
      const asking = request(url).end();
      asking.on('error', () => {});
      const [reply] = (await once(asking, 'response')) as [IncomingMessage];
      reply.on('error', () => {});
      await once(reply, 'readable');
      asking.destroy();
    },
  );
  assert.equal(server.status, 'fulfilled');
  assert.ok(body.destroyed);
});

test('a body is read no faster than the client takes it', async () => {
  let made = 0;
  const total = 512;
  const full = Promise.withResolvers<void>();
  const body = Readable.from(
    (async function* () {
      for (; made < total; made++) yield Buffer.alloc(1024 * 1024);
    })(),
    { objectMode: false },
  );
  const { client } = await exchange(
    (_request, response) => {
      const sending = sendBody(response, body);
      body.once('pause', () => full.resolve());
      return sending;
    },
    async (url) => {
      const asking = request(url).end();
      asking.on('error', () => {});
      await once(asking, 'response'); // and reads nothing of it
      await full.promise;
      const madeByThen = made;
      asking.destroy();
      return madeByThen;
    },
  );
  assert.ok(client.status === 'fulfilled' && Number(client.value) < total / 2, JSON.stringify(client));
});

test('an answer is taken when the client has read what the system did not take, or has left', async () => {
  const bytes = Buffer.alloc(32 * 2 ** 20);
  for (const end of ['read', 'leave'] as const) {
    let isTaken = false;
    const waiting = Promise.withResolvers<void>();
    const { server } = await exchange(
      async (_request, response) => {
        sendBytes(response, bytes);
        setImmediate(waiting.resolve);
        await taken(response);
        isTaken = true;
      },
      async (url) => {
        const asking = request(url).end();
        asking.on('error', () => {});
        const [reply] = (await once(asking, 'response')) as [IncomingMessage];
        reply.on('error', () => {});
        await waiting.promise;
        assert.equal(isTaken, false);
        if (end === 'read') await buffer(reply);
        else asking.destroy();
      },
    );
    assert.equal(server.status, 'fulfilled');
  }
});

test('an answer that the system took at once is taken', async () => {
  const { server } = await exchange(
    async (_request, response) => {
      sendBytes(response, Buffer.from('small'));
      const at = taken(response);
      return Promise.race([at.then(() => 'at once'), new Promise((later) => setImmediate(later, 'later'))]);
    },
    async (url) => (await fetch(url)).text(),
  );
  assert.deepEqual(server, { status: 'fulfilled', value: 'at once' });
});

test('an announced body above the limit is refused before a byte of it is read', async () => {
  const { server } = await exchange(
    async (incoming, response) => {
      try {
        boundedBody(incoming, 4);
      } finally {
        response.end();
      }
    },
    async (url) => {
      const sending = uploadTo(url, { 'content-length': '5' });
      sending.flushHeaders(); // the body never comes
      await statusOf(sending);
      sending.destroy();
    },
  );
  assert.ok(server.status === 'rejected' && server.reason instanceof VelocityError);
  assert.equal(server.reason.code, 'BODY_TOO_LARGE');
});

test('a body of exactly the limit is taken, announced or not', async () => {
  for (const headers of [{ 'content-length': '4' }, CHUNKED]) {
    const { server } = await exchange(
      async (incoming, response) => {
        const taken = await text(boundedBody(incoming, 4));
        response.end();
        return taken;
      },
      async (url) => {
        const sending = uploadTo(url, headers);
        sending.end('four');
        await statusOf(sending);
      },
    );
    assert.deepEqual(server, { status: 'fulfilled', value: 'four' });
  }
});

test('a body that was not announced is refused as soon as it is above the limit, and can still be answered', async () => {
  const { server, client } = await exchange(
    async (incoming, response) => {
      try {
        await buffer(boundedBody(incoming, 4));
      } finally {
        response.writeHead(413).end();
      }
    },
    async (url) => {
      const sending = uploadTo(url, CHUNKED);
      sending.write('five!'); // and never ends
      const status = await statusOf(sending);
      sending.destroy();
      return status;
    },
  );
  assert.equal(server.status === 'rejected' && server.reason.code, 'BODY_TOO_LARGE');
  assert.deepEqual(client, { status: 'fulfilled', value: 413 });
});

test('a body that breaks off fails, announced or not', async () => {
  for (const headers of [{ 'content-length': '1000' }, CHUNKED]) {
    const arrived = Promise.withResolvers<void>();
    const { server } = await exchange(
      async (incoming) => {
        incoming.once('data', () => arrived.resolve());
        return buffer(boundedBody(incoming, 10_000));
      },
      async (url) => {
        const sending = uploadTo(url, headers);
        sending.write('begun');
        await arrived.promise;
        sending.destroy();
      },
    );
    assert.equal(server.status, 'rejected', JSON.stringify(headers));
  }
});

test('what is left of a body is read and dropped, and the connection serves the next request', async () => {
  const { server } = await exchange(
    async (incoming, response) => {
      response.writeHead(412).end();
      drainRest(incoming);
      await once(incoming, 'end');
      return incoming.socket.destroyed;
    },
    async (url) => {
      const sending = uploadTo(url, { 'content-length': '1000000' });
      sending.end(Buffer.alloc(1_000_000));
      await statusOf(sending);
    },
  );
  assert.deepEqual(server, { status: 'fulfilled', value: false });
});

test('what is left of a body is dropped too where it was about to go elsewhere', async () => {
  const { server } = await exchange(
    async (incoming, response) => {
      boundedBody(incoming, 10_000_000); // and nobody takes it
      response.writeHead(412).end();
      drainRest(incoming);
      await once(incoming, 'end');
      return incoming.socket.destroyed;
    },
    async (url) => {
      const sending = uploadTo(url, CHUNKED);
      sending.end(Buffer.alloc(5_000_000));
      await statusOf(sending);
    },
  );
  assert.deepEqual(server, { status: 'fulfilled', value: false });
});

test('who counts is told of all bytes that pass, when they do, each way and of those that are dropped', async () => {
  for (const headers of [{ 'content-length': '8' }, CHUNKED]) {
    const counted: number[] = [];
    const begun = Promise.withResolvers<void>();
    const { server } = await exchange(
      async (incoming, response) => {
        const onBytes = (bytes: number): void => {
          counted.push(bytes);
          begun.resolve();
        };
        await buffer(boundedBody(incoming, 8, onBytes));
        await sendBody(response, Readable.from([Buffer.from('answer')]), onBytes);
      },
      async (url) => {
        const sending = uploadTo(url, headers);
        sending.write('four');
        await begun.promise;
        sending.end('more');
        await statusOf(sending);
      },
    );
    assert.equal(server.status, 'fulfilled');
    assert.deepEqual(counted, [4, 4, 6]);
  }
  let dropped = 0;
  await exchange(
    async (incoming, response) => {
      drainRest(incoming, (bytes) => {
        dropped += bytes;
      });
      await once(incoming, 'end');
      response.end();
    },
    async (url) => {
      const sending = uploadTo(url, {});
      sending.end(Buffer.alloc(100_000));
      await statusOf(sending);
    },
  );
  assert.equal(dropped, 100_000);
});

test('a rest beyond 64 MiB costs the connection', { timeout: 60_000 }, async () => {
  const { server } = await exchange(
    async (incoming, response) => {
      response.writeHead(412).end();
      let dropped = 0;
      drainRest(incoming);
      incoming.on('data', (chunk: Buffer) => {
        dropped += chunk.length;
      });
      await once(incoming, 'close');
      return dropped;
    },
    async (url) => {
      const socket = await openSocket(url);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.write('PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n');
      while (!socket.destroyed) {
        const isTaken = socket.write(Buffer.alloc(1024 * 1024));
        if (!isTaken) await Promise.race([closed, new Promise((resolve) => socket.once('drain', resolve))]);
      }
    },
  );
  assert.ok(server.status === 'fulfilled' && server.value > 64 * 2 ** 20 && server.value < 66 * 2 ** 20);
});

test('the announced length of a body is its Content-Length, and of a chunked one there is none', async () => {
  const announced = async (headers: Record<string, string>): Promise<unknown> => {
    const { server } = await exchange(
      async (incoming, response) => {
        incoming.resume();
        response.end();
        return announcedLength(incoming);
      },
      async (url) => {
        const sending = uploadTo(url, headers);
        sending.end('four');
        await statusOf(sending);
      },
    );
    return server;
  };
  assert.deepEqual(await announced({ 'content-length': '4' }), { status: 'fulfilled', value: 4 });
  assert.deepEqual(await announced(CHUNKED), { status: 'fulfilled', value: undefined });
});
