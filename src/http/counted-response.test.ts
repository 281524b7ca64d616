import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { CountedResponse } from './counted-response.ts';

/** What goes over the wire for a request, and what was counted of it. */
async function answered(
  handle: (response: CountedResponse) => void,
): Promise<{ readonly sent: string; readonly bytes: number }> {
  let bytes = Number.NaN;
  const server = createServer(
    { IncomingMessage, ServerResponse: CountedResponse },
    (_request, response: CountedResponse) => {
      response.requestId = 'the-id';
      response.sendDate = false;
      response.once('close', () => {
        bytes = response.sentBytes;
      });
      handle(response);
    },
  );
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const closed = once(server, 'close');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const sent = await text(socket);
  server.close();
  await closed;
  return { sent, bytes };
}

describe('an answer that is counted', () => {
  test('carries the id of its request behind the fields that it is given', async () => {
    const { sent, bytes } = await answered((response) => {
      response.writeHead(200, 'Fine', ['Content-Length', '5', 'X-A', '1', 'X-A', '2']);
      response.end('hello');
    });
    assert.equal(
      sent,
      'HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-A: 1\r\nX-A: 2\r\nx-request-id: the-id\r\nConnection: close\r\n\r\nhello',
    );
    assert.equal(bytes, 5);
  });

  test('keeps the id that it is given', async () => {
    const { sent } = await answered((response) => {
      response.writeHead(204, ['X-Request-ID', 'its own']);
      response.end();
    });
    assert.deepEqual(sent.match(/x-request-id: .*/gi), ['X-Request-ID: its own']);
  });

  test('carries it whichever way its fields are set, or where there are none', async () => {
    for (const handle of [
      (response: CountedResponse) => response.writeHead(200, { 'content-length': 0 }).end(),
      (response: CountedResponse) => response.setHeader('x-b', '1').writeHead(200, ['X-A', '1']).end(),
      (response: CountedResponse) => response.setHeader('x-b', '1').end(),
      (response: CountedResponse) => response.writeHead(404).end(),
      (response: CountedResponse) => response.end(),
    ]) {
      const { sent } = await answered(handle);
      assert.deepEqual(sent.match(/x-request-id: .*/gi), ['x-request-id: the-id']);
    }
  });

  test('counts all that is handed over, in pieces of text and of bytes', async () => {
    const { sent, bytes } = await answered((response) => {
      response.writeHead(200, ['Content-Length', '9']);
      response.write('€');
      response.write(Buffer.from('abc'));
      response.end(new Uint8Array([100, 101, 102]));
    });
    assert.ok(sent.endsWith('\r\n\r\n€abcdef'));
    assert.equal(bytes, 9);
  });
});
