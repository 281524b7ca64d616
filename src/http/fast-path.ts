import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { AnswerHead } from './answer-head.ts';
import { nextRequestNumber, requestIdOf } from './request-id.ts';
import type { EndedRequest, RequestRecords } from './request-records.ts';
import { type SeenFields, type SimpleRequest, simpleRequestIn } from './simple-request.ts';

/** A 200 whose head is made. */
export interface FastAnswer {
  /** All but date and connection. */
  readonly head: AnswerHead;
  readonly body: Uint8Array;
  /** Called where some of the body waits to be sent, and what it gives once none does: until then it stays in memory. */
  readonly lend?: (() => (() => void) | undefined) | undefined;
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

/** Smaller bodies are copied for each request: that is as cheap as to look for them. */
const READY_FROM_BYTES = 4096;
/** Of all that are ready; beyond it they are made anew as they are asked for. */
const READY_BYTES = 8 * 1024 * 1024;
const NOTHING = new Uint8Array();

function newPage(): Buffer {
  return Buffer.allocUnsafeSlow(ONE_PIECE_BYTES + 4096);
}

/** Calls back when the system has all that was written, or the socket is gone; `drain` does so only after more than fits at once. */
function whenTaken(socket: Socket, done: () => void): void {
  socket.write('', done);
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
  #lastFieldsAt = Number.NEGATIVE_INFINITY;
  #lastFields = new Uint8Array();
  readonly #ended = new EndedFastRequest();
  readonly #ready = new ReadyAnswers();
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
      // Whoever does not read gets no second answer. Of a small one the socket has a copy.
      const giveBack = known.body.length > ONE_PIECE_BYTES ? known.lend?.() : undefined;
      socket.pause();
      whenTaken(socket, () => {
        giveBack?.();
        socket.resume();
      });
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
  #send(socket: Socket, { method, target }: SimpleRequest, answer: FastAnswer): boolean {
    const { clock, records } = this.#options;
    const startedAt = clock.elapsed();
    const number = nextRequestNumber();
    const body = method === 'HEAD' ? NOTHING : answer.body;
    const lastFields =
      this.#lastFieldsAt + 1000 > startedAt ? this.#lastFields : this.#writeFields(startedAt);
    const headLength = answer.head.length + lastFields.length;
    const isOnePiece = body.length <= ONE_PIECE_BYTES;
    const length = isOnePiece ? headLength + body.length : headLength;
    const page = length <= this.#page.length ? this.#page : Buffer.allocUnsafe(length);
    if (isOnePiece && body.length > READY_FROM_BYTES) {
      const ready = this.#ready.of(answer.head, lastFields, body);
      answer.head.putIdInto(ready, number);
      socket.write(ready);
      const isTaken = socket.writableLength === 0;
      if (!isTaken) this.#ready.forget(answer.head);
      records.ended(this.#ended.as(number, method, target, answer, startedAt));
      return isTaken;
    }
    answer.head.putInto(page, number);
    page.set(lastFields, answer.head.length);
    if (isOnePiece) {
      page.set(body, headLength);
      socket.write(page.subarray(0, length));
    } else {
      socket.cork();
      socket.write(page.subarray(0, length));
      socket.write(body);
      socket.uncork();
    }
    const isSent = socket.writableLength === 0;
    // What the system has not taken yet is still read from there.
    if (!isSent && page === this.#page) this.#page = newPage();
    records.ended(this.#ended.as(number, method, target, answer, startedAt));
    return isSent;
  }

  /** RFC 9110 §6.6.1: to the second. They are the same for all answers until the next one. */
  #writeFields(elapsed: number): Uint8Array {
    const now = this.#options.clock.now();
    this.#lastFieldsAt = elapsed - (now % 1000);
    const keepAliveSeconds = Math.floor(this.#server.keepAliveTimeout / 1000);
    this.#lastFields = Buffer.from(
      `Date: ${new Date(now).toUTCString()}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${keepAliveSeconds}\r\n\r\n`,
      'latin1',
    );
    return this.#lastFields;
  }
}

/**
 * Answers as they go out, head and body in one: for bodies whose copy, for each request, would cost more than to keep one.
 * An answer that the system has not taken yet is read from there, and is to be forgotten: the next one is made anew.
 */
class ReadyAnswers {
  readonly #ready = new Map<AnswerHead, { readonly bytes: Uint8Array; lastFields: Uint8Array }>();
  #bytes = 0;

  of(head: AnswerHead, lastFields: Uint8Array, body: Uint8Array): Uint8Array {
    const known = this.#ready.get(head);
    if (known?.lastFields.length === lastFields.length) {
      if (known.lastFields !== lastFields) known.bytes.set(lastFields, head.length);
      known.lastFields = lastFields;
      return known.bytes;
    }
    this.forget(head);
    const length = head.length + lastFields.length + body.length;
    if (this.#bytes + length > READY_BYTES) this.#clear();
    const bytes = Buffer.allocUnsafeSlow(length);
    head.putInto(bytes, 0);
    bytes.set(lastFields, head.length);
    bytes.set(body, head.length + lastFields.length);
    this.#ready.set(head, { bytes, lastFields });
    this.#bytes += length;
    return bytes;
  }

  forget(head: AnswerHead): void {
    this.#bytes -= this.#ready.get(head)?.bytes.length ?? 0;
    this.#ready.delete(head);
  }

  #clear(): void {
    this.#ready.clear();
    this.#bytes = 0;
  }
}

/** One for all requests, as none outlives its record; its id is text for those alone who want it. */
class EndedFastRequest implements EndedRequest {
  method = '';
  target = '';
  route = '';
  readonly status = 200;
  startedAt = 0;
  tokenId: string | undefined;
  #number = 0;

  get id(): string {
    return requestIdOf(this.#number);
  }

  as(number: number, method: string, target: string, answer: FastAnswer, startedAt: number): this {
    this.#number = number;
    this.method = method;
    this.target = target;
    this.route = answer.route;
    this.tokenId = answer.tokenId;
    this.startedAt = startedAt;
    return this;
  }
}
