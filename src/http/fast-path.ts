import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { parseIpAddress } from '../base/ip-address.ts';
import type { AnswerHead } from './answer-head.ts';
import { ReadyAnswers } from './ready-answers.ts';
import { nextRequestNumber, requestIdOf } from './request-id.ts';
import type { EndedRequest } from './request-records.ts';
import { type SeenFields, type SimpleRequest, simpleRequestIn } from './simple-request.ts';

/** A 200 whose head is made. */
export interface FastAnswer {
  /** All but what is about the connection, and the date where it has none of its own. */
  readonly head: AnswerHead;
  readonly hasDate?: boolean | undefined;
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
 * @param address of its other end
 */
export type AnswerFast = (
  request: SimpleRequest,
  connection: object,
  address: string,
) => FastAnswer | undefined;

/** A request that was answered; the object is used again for the next one. */
export interface FastEnded extends EndedRequest {
  readonly host: string;
  /** Of the body. */
  readonly sentBytes: number;
  /** Of the other end of the connection. */
  readonly address: string;
}

export interface FastPathOptions {
  readonly answer: AnswerFast;
  readonly records: { ended(request: FastEnded): void };
  readonly clock: Clock;
  /** Names of fields, in lower case, that a simple request may have; without them those of `HARMLESS`. */
  readonly harmless?: ReadonlySet<string> | undefined;
}

/** Small bodies go out in one piece with their head: copying them costs less than a second one. */
const ONE_PIECE_BYTES = 64 * 1024;

/** Smaller bodies are copied for each request: that is as cheap as to look for them. */
const READY_FROM_BYTES = 4096;
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
  #lastFields = { dated: new Uint8Array(), undated: new Uint8Array() };
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
    const { answer, harmless, clock } = this.#options;
    const { headersTimeout, keepAliveTimeout, keepAliveTimeoutBuffer } = this.#server;
    // As Node: a little longer than clients are told, so that none is cut off while it asks.
    const idle = new IdleTimeout(socket, clock, keepAliveTimeout + keepAliveTimeoutBuffer);
    this.#connections.add(socket);
    const remoteAddress = socket.remoteAddress ?? '';
    const address = parseIpAddress(remoteAddress) ?? remoteAddress;
    const seen: SeenFields = {};
    const onData = (piece: Buffer): void => {
      if (socket.writableEnded) return; // it is about to close: nobody would get to see an answer
      const request = simpleRequestIn(piece, seen, harmless);
      const known = request && answer(request, socket, address);
      if (!request || !known) {
        leave();
        socket.pause();
        socket.unshift(piece);
        this.#handOver(socket);
        socket.resume();
        return;
      }
      const startedAt = clock.elapsed();
      idle.activeAt(startedAt);
      if (this.#send(socket, request, known, address, startedAt)) return;
      // Whoever does not read gets no second answer. Of a small one the socket has a copy.
      const giveBack = known.body.length > ONE_PIECE_BYTES ? known.lend?.() : undefined;
      socket.pause();
      idle.whileSending();
      whenTaken(socket, () => {
        giveBack?.();
        idle.activeAt(clock.elapsed());
        socket.resume();
      });
    };
    const end = (): void => void socket.end();
    const destroy = (): void => void socket.destroy();
    const forget = (): void => {
      this.#connections.delete(socket);
      idle.stop();
    };
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
    request: SimpleRequest,
    answer: FastAnswer,
    address: string,
    startedAt: number,
  ): boolean {
    const { records } = this.#options;
    const number = nextRequestNumber();
    const body = request.method === 'HEAD' ? NOTHING : answer.body;
    if (this.#lastFieldsAt + 1000 <= startedAt) this.#writeFields(startedAt);
    const lastFields = answer.hasDate ? this.#lastFields.undated : this.#lastFields.dated;
    if (body.length > READY_FROM_BYTES && body.length <= ONE_PIECE_BYTES)
      this.#sendReady(socket, answer.head, number, lastFields, body);
    else this.#sendFromPage(socket, answer.head, number, lastFields, body);
    records.ended(this.#ended.as(address, number, request, answer, body.length, startedAt));
    return socket.writableLength === 0;
  }

  #sendReady(
    socket: Socket,
    head: AnswerHead,
    number: number,
    lastFields: Uint8Array,
    body: Uint8Array,
  ): void {
    const ready = this.#ready.of(head, lastFields, body);
    head.putIdInto(ready, number);
    socket.write(ready);
    if (socket.writableLength > 0) this.#ready.forget(head);
  }

  #sendFromPage(
    socket: Socket,
    head: AnswerHead,
    number: number,
    lastFields: Uint8Array,
    body: Uint8Array,
  ): void {
    const headLength = head.length + lastFields.length;
    const isOnePiece = body.length <= ONE_PIECE_BYTES;
    const length = isOnePiece ? headLength + body.length : headLength;
    const page = length <= this.#page.length ? this.#page : Buffer.allocUnsafe(length);
    head.putInto(page, number);
    page.set(lastFields, head.length);
    if (isOnePiece) {
      page.set(body, headLength);
      socket.write(page.subarray(0, length));
    } else {
      socket.cork();
      socket.write(page.subarray(0, length));
      socket.write(body);
      socket.uncork();
    }
    // What the system has not taken yet is still read from there.
    if (socket.writableLength > 0 && page === this.#page) this.#page = newPage();
  }

  /** RFC 9110 §6.6.1: to the second. They are the same for all answers until the next one. */
  #writeFields(elapsed: number): void {
    const now = this.#options.clock.now();
    this.#lastFieldsAt = elapsed - (now % 1000);
    const keepAliveSeconds = Math.floor(this.#server.keepAliveTimeout / 1000);
    const undated = `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveSeconds}\r\n\r\n`;
    const dated = `Date: ${new Date(now).toUTCString()}\r\n${undated}`;
    this.#lastFields = { dated: Buffer.from(dated, 'latin1'), undated: Buffer.from(undated, 'latin1') };
  }
}

/**
 * Ends a connection that has asked for nothing for a while. A socket's own timeout is set anew with every read and every write;
 * this one looks when it may be time.
 */
class IdleTimeout {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #ms: number;
  #activeAt = 0;
  #cancel: (() => void) | undefined;
  #isSending = false;

  constructor(socket: Socket, clock: Clock, ms: number) {
    this.#socket = socket;
    this.#clock = clock;
    this.#ms = ms;
  }

  /** A request was answered. */
  activeAt(elapsed: number): void {
    this.#activeAt = elapsed;
    if ((this.#cancel && !this.#isSending) || this.#socket.destroyed) return;
    this.#isSending = false;
    this.#socket.setTimeout(0);
    this.#cancel ??= this.#clock.after(this.#ms, () => this.#look());
  }

  /** Until it is active again it may take as long as some of an answer is taken now and then: the socket sees to that. */
  whileSending(): void {
    this.#isSending = true;
    this.#socket.setTimeout(this.#ms);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #look(): void {
    const leftMs = this.#activeAt + this.#ms - this.#clock.elapsed();
    if (leftMs <= 0 && !this.#isSending) this.#socket.destroy();
    else this.#cancel = this.#clock.after(leftMs > 0 ? leftMs : this.#ms, () => this.#look());
  }
}

/** One for all requests, as none outlives its record; its id is text for those alone who want it. */
class EndedFastRequest implements FastEnded {
  method = '';
  host = '';
  target = '';
  route = '';
  readonly status = 200;
  startedAt = 0;
  sentBytes = 0;
  tokenId: string | undefined;
  address = '';
  #number = 0;

  get id(): string {
    return requestIdOf(this.#number);
  }

  as(
    address: string,
    number: number,
    { method, host, target }: SimpleRequest,
    answer: FastAnswer,
    sentBytes: number,
    startedAt: number,
  ): this {
    this.address = address;
    this.#number = number;
    this.method = method;
    this.host = host;
    this.target = target;
    this.route = answer.route;
    this.tokenId = answer.tokenId;
    this.sentBytes = sentBytes;
    this.startedAt = startedAt;
    return this;
  }
}
