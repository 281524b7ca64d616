/**
 * `Expect: 100-continue` (RFC 9110 §10.1.1): a client that asks first is told to send its body when somebody begins to
 * read it, and not before. So whoever is refused by token, limit or announced size is told before a byte is sent.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

const unasked = new WeakSet<IncomingMessage>();

/** From now on this server asks for the bodies of clients that wait; Node by itself would ask for each at once. */
export function answerExpectations(server: Server): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    continueWhenRead(request, response);
    server.emit('request', request, response);
  });
}

/** Whether the client waits to be told to send its body. Who reads it all the same tells it so. */
export function waitsToSend(request: IncomingMessage): boolean {
  return unasked.has(request);
}

function continueWhenRead(request: IncomingMessage, response: ServerResponse): void {
  const { shouldKeepAlive } = response;
  // Nobody knows whether a client that is answered before its body sends that body, or its next request: this ends
  // the connection with the answer, so that neither is taken for the other.
  response.shouldKeepAlive = false;
  unasked.add(request);
  const read = request._read;
  request._read = (size) => {
    request._read = read;
    unasked.delete(request);
    if (!response.headersSent) {
      response.shouldKeepAlive = shouldKeepAlive;
      response.writeContinue();
    }
    read.call(request, size);
  };
  // Of a client that did not wait the body may be here before anybody reads; then there is nothing to ask for.
  request.once('end', () => {
    unasked.delete(request);
    if (!response.headersSent) response.shouldKeepAlive = shouldKeepAlive;
  });
}
