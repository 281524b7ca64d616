import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Problem, writeProblem } from '../../../http/problem.ts';

/** Connections on which a request was refused. */
const ending = new WeakSet<Duplex>();

/** Answers what is not admitted, and ends the connection: where its body ends is for nobody to say. */
export function refuseRequest(response: ServerResponse, problem: Problem): void {
  ending.add(response.req.socket);
  response.shouldKeepAlive = false;
  writeProblem(response, problem);
}

/**
 * Whether a request before it on its connection was refused. Node hands over all requests of one packet before the
 * connection has ended; those behind a refused one may be its body, so they are to be left alone, unanswered.
 */
export function followsRefusal({ socket }: Pick<IncomingMessage, 'socket'>): boolean {
  return ending.has(socket);
}

/**
 * Makes a server hand over, or refuse, what Node would deal with in its own way: CONNECT, at which it just closes, and unknown
 * expectations, after which it keeps the connection.
 */
export function refuseOddities(server: Server): void {
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => {});
    if (ending.has(socket)) return;
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nAllow:\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  });
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}
