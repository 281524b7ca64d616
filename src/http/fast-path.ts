import { maxHeaderSize, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import type { AnswerHead } from './answer-head.ts';
import { LastFields } from './last-fields.ts';
import { ReadyAnswers } from './ready-answers.ts';
import { nextRequestNumber, requestIdOf } from './request-id.ts';
import type { EndedRequest } from './request-records.ts';
import { ONE_PIECE_BYTES, SendBuffer } from './send-buffer.ts';
import { SimpleConnection, type SimplyAnswered } from './simple-connection.ts';
import type { SimpleMessage } from './simple-message.ts';
import type { SimpleRequest } from './simple-request.ts';
import type { AnswerWriting, SimpleResponse } from './simple-response.ts';

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
  /** Address of the client, where that is not who is at the other end of the connection. */
  readonly client?: string | undefined;
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
  /** Of the client. */
  readonly address: string;
}

export interface FastPathOptions {
  readonly answer: AnswerFast;
  readonly records: { ended(request: FastEnded): void };
  readonly clock: Clock;
  /** Names of fields, in lower case, that a request for what is known by heart may have; without them those of `HARMLESS`. */
  readonly harmless?: ReadonlySet<string> | undefined;
  /** Answers the simple requests for what is not; without it they are Node's. What is thrown by it ends the process. */
  readonly handle?: ((message: SimpleMessage, response: SimpleResponse) => void) | undefined;
  /** Of a request's head, where the server has a limit below Node's own. */
  readonly maxHeadBytes?: number | undefined;
  /** How long a client may take nothing of an answer, in ms; without it as long as it may wait with its next request. */
  readonly stallTimeout?: number | undefined;
}

/** Smaller bodies are copied for each request: that is as cheap as to look for them. */
const READY_FROM_BYTES = 4096;
const NOTHING = new Uint8Array();

/**
 * Sits before Node's parser on every new connection and answers simple requests (`simpleRequestIn`), those that the server
 * knows by heart without the objects that Node makes for a request, the others, where somebody handles them, with lighter
 * ones. With the first request that is anything else the connection is Node's, bytes untouched, and stays so. All give the
 * same answers.
 */
export class FastPath {
  readonly #options: FastPathOptions;
  readonly #server: Server;
  readonly #handOver: (socket: Socket) => void;
  /** Those that are not Node's. */
  readonly #connections = new Set<SimpleConnection>();
  #isDraining = false;
  readonly #ended = new EndedFastRequest();
  readonly #ready = new ReadyAnswers();
  readonly #writing: AnswerWriting;

  private constructor(server: Server, options: FastPathOptions) {
    this.#options = options;
    this.#server = server;
    const { clock } = options;
    const lastFields = new LastFields(clock, () => Math.floor(server.keepAliveTimeout / 1000));
    this.#writing = { buffer: new SendBuffer(), lastFields };
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
    for (const connection of this.#connections) connection.finish();
  }

  /** Cuts what is still being sent. */
  cutAll(): void {
    for (const { socket } of this.#connections) socket.destroy();
  }

  #accept(socket: Socket): void {
    if (this.#isDraining) {
      this.#handOver(socket);
      return;
    }
    const { clock, harmless, handle, stallTimeout, maxHeadBytes = maxHeaderSize } = this.#options;
    const connection = new SimpleConnection(socket, {
      ...{ server: this.#server, clock, harmless, handle, stallTimeout, maxHeadBytes },
      writing: this.#writing,
      answer: (request, of) => this.#answer(request, of),
      handOver: this.#handOver,
      onGone: (gone) => void this.#connections.delete(gone),
    });
    this.#connections.add(connection);
  }

  #answer(request: SimpleRequest, connection: SimpleConnection): SimplyAnswered | undefined {
    const { answer, clock } = this.#options;
    const known = answer(request, connection, connection.address);
    if (!known) return undefined;
    this.#send(connection, request, known, clock.elapsed());
    // Of a small one the socket has a copy.
    return known.body.length > ONE_PIECE_BYTES ? known : COPIED;
  }

  #send(
    { socket, address }: SimpleConnection,
    request: SimpleRequest,
    answer: FastAnswer,
    startedAt: number,
  ): void {
    const { records } = this.#options;
    const number = nextRequestNumber();
    const body = request.method === 'HEAD' ? NOTHING : answer.body;
    const { bytes: lastFields } = this.#writing.lastFields.at(answer.hasDate ?? false, startedAt);
    if (body.length > READY_FROM_BYTES && body.length <= ONE_PIECE_BYTES)
      this.#sendReady(socket, answer.head, number, lastFields, body);
    else this.#sendFromBuffer(socket, answer.head, number, lastFields, body);
    records.ended(this.#ended.as(answer.client ?? address, number, request, answer, body.length, startedAt));
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

  #sendFromBuffer(
    socket: Socket,
    head: AnswerHead,
    number: number,
    lastFields: Uint8Array,
    body: Uint8Array,
  ): void {
    const headLength = head.length + lastFields.length;
    const putHead = (target: Buffer): void => {
      head.putInto(target, number);
      target.set(lastFields, head.length);
    };
    if (body.length <= ONE_PIECE_BYTES) {
      this.#writing.buffer.send(socket, headLength + body.length, (target) => {
        putHead(target);
        target.set(body, headLength);
      });
      return;
    }
    const own = Buffer.allocUnsafe(headLength);
    putHead(own);
    socket.cork();
    socket.write(own);
    socket.write(body);
    socket.uncork();
  }
}

const COPIED: SimplyAnswered = {};

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
