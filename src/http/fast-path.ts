import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { nextRequestId } from './request-id.ts';
import type { RequestRecords } from './request-records.ts';
import { type SeenFields, type SimpleRequest, simpleRequestIn } from './simple-request.ts';

/** A flat list of fields as a `FastAnswer` has them. */
export function fieldLines(headers: readonly string[]): string {
  let lines = '';
  for (let i = 0; i < headers.length; i += 2) lines += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return Buffer.from(lines, 'latin1').toString('latin1'); // in one piece: what was added up keeps all its parts
}

/** A 200 whose head is made. */
export interface FastAnswer {
  /** Fields as they go out, each with its line end; all but id, date and connection. */
  readonly fields: string;
  readonly body: Uint8Array;
  /** For the records of requests. */
  readonly route: string;
  readonly tokenId: string | undefined;
}

/**
 * What is known by heart; `undefined` where it is not, or where anything is not as always.
 * @param connection the same object for all requests of a connection
 */
export type AnswerFast = (request: SimpleRequest, connection: object) => FastAnswer | undefined;

export interface FastPathOptions {
  readonly answer: AnswerFast;
  readonly records: RequestRecords;
  readonly clock: Clock;
}

/** Small bodies go out in one piece with their head: copying them costs less than a second one. */
const ONE_PIECE_BYTES = 64 * 1024;

function newPage(): Buffer {
  return Buffer.allocUnsafeSlow(ONE_PIECE_BYTES + 4096);
}

/**
 * Sits before Node's parser on every new connection and answers simple requests (`simpleRequestIn`) that the server
 * knows by heart, without the objects that Node makes for a request. With the first request that is anything else the
 * connection is Node's, bytes untouched, and stays so. Both give the same answers.
 */
export class FastPath {
  readonly #options: FastPathOptions;
  /** Whose limits of time hold for these connections too. */
  readonly #server: Server;
  readonly #handOver: (socket: Socket) => void;
  /** Those that are not Node's. */
  readonly #connections = new Set<Socket>();
  #isDraining = false;
  #dateAt = Number.NEGATIVE_INFINITY;
  #date = '';
  /** Where answers are put together: the system takes nearly all of them at once. */
  #page = newPage();

  private constructor(server: Server, options: FastPathOptions) {
    this.#options = options;
    this.#server = server;
    const listeners = server.listeners('connection');
    this.#handOver = (socket) => {
      for (const listener of listeners) Reflect.apply(listener, server, [socket]);
    };
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => this.#accept(socket));
  }

  static before(server: Server, options: FastPathOptions): FastPath {
    return new FastPath(server, options);
  }

  /**
   * Leaves new connections to Node, and closes each of its own once what is under way on it has gone out: a client that
   * is gone, or does not care, would hold up the end.
   */
  drain(): void {
    this.#isDraining = true;
    for (const socket of this.#connections) socket.destroySoon();
  }

  /** Cuts what is still being sent. */
  cutAll(): void {
    for (const socket of this.#connections) socket.destroy();
  }

  #accept(socket: Socket): void {
    if (this.#isDraining) {
      this.#handOver(socket);
      return;
    }
    const { answer } = this.#options;
    const { headersTimeout, keepAliveTimeout, keepAliveTimeoutBuffer } = this.#server;
    // As Node: a little longer than clients are told, so that none is cut off while it asks.
    const idleTimeout = keepAliveTimeout + keepAliveTimeoutBuffer;
    this.#connections.add(socket);
    let isFirst = true;
    const seen: SeenFields = {};
    const onData = (piece: Buffer): void => {
      if (socket.writableEnded) return; // it is about to close: nobody would get to see an answer
      const request = simpleRequestIn(piece, seen);
      const known = request && answer(request, socket);
      if (!request || !known) {
        leave();
        socket.pause();
        socket.unshift(piece);
        this.#handOver(socket);
        socket.resume();
        return;
      }
      if (isFirst) socket.setTimeout(idleTimeout);
      isFirst = false;
      if (this.#send(socket, request, known)) return;
      // Whoever does not read gets no second answer; what is known stays in memory once.
      socket.pause();
      socket.once('drain', () => socket.resume());
    };
    const end = (): void => void socket.end();
    const destroy = (): void => void socket.destroy();
    const forget = (): void => void this.#connections.delete(socket);
    const leave = (): void => {
      forget();
      socket.setTimeout(0);
      socket.off('data', onData).off('end', end).off('error', destroy).off('timeout', destroy);
      socket.off('close', forget);
    };
    socket.setTimeout(headersTimeout);
    socket.on('data', onData).on('end', end).on('error', destroy).on('timeout', destroy);
    socket.on('close', forget);
  }

  /** Whether it has all gone to the system. */
  #send(
    socket: Socket,
    { method, target }: SimpleRequest,
    { fields, body, route, tokenId }: FastAnswer,
  ): boolean {
    const { clock, records } = this.#options;
    const startedAt = clock.elapsed();
    const id = nextRequestId();
    const head = `HTTP/1.1 200 OK\r\nx-request-id: ${id}\r\n${fields}Date: ${this.#now(startedAt)}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(this.#server.keepAliveTimeout / 1000)}\r\n\r\n`;
    if (method === 'HEAD' || body.length === 0) socket.write(head, 'latin1');
    else if (body.length <= ONE_PIECE_BYTES) this.#sendInOnePiece(socket, head, body);
    else {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body);
      socket.uncork();
    }
    records.ended({ id, method, target, route, status: 200, startedAt, tokenId });
    return socket.writableLength === 0;
  }

  #sendInOnePiece(socket: Socket, head: string, body: Uint8Array): void {
    const length = head.length + body.length;
    const piece = length <= this.#page.length ? this.#page : Buffer.allocUnsafe(length);
    piece.write(head, 0, 'latin1');
    piece.set(body, head.length);
    socket.write(piece.subarray(0, length));
    // What the system has not taken yet is still read from there.
    if (socket.writableLength > 0 && piece === this.#page) this.#page = newPage();
  }

  /** RFC 9110 §6.6.1: to the second. */
  #now(elapsed: number): string {
    if (elapsed - this.#dateAt < 1000) return this.#date;
    const now = this.#options.clock.now();
    this.#dateAt = elapsed - (now % 1000);
    this.#date = new Date(now).toUTCString();
    return this.#date;
  }
}
