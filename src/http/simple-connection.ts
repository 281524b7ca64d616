import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { parseIpAddress } from '../base/ip-address.ts';
import { MovingDeadline } from '../base/moving-deadline.ts';
import { whenTaken } from './send-buffer.ts';
import { SimpleMessage } from './simple-message.ts';
import { type SeenFields, type SimpleRequest, simpleRequestIn } from './simple-request.ts';
import { type AnswerWriting, SimpleResponse } from './simple-response.ts';

/** What becomes of the requests of a connection. */
export interface SimpleConnectionOptions {
  /** Whose limits of time hold for it. */
  readonly server: Server;
  readonly clock: Clock;
  readonly harmless: ReadonlySet<string> | undefined;
  /** Of a longer one Node says what it says. */
  readonly maxHeadBytes: number;
  /** How long a client may take nothing of an answer, in ms. */
  readonly stallTimeout: number | undefined;
  readonly writing: AnswerWriting;
  /** Answers at once, or not. */
  readonly answer: (request: SimpleRequest, connection: SimpleConnection) => SimplyAnswered | undefined;
  /** Answers those that are not answered at once; without it they are Node's. */
  readonly handle: ((message: SimpleMessage, response: SimpleResponse) => void) | undefined;
  /** It is Node's now, with all that comes. */
  readonly handOver: (socket: Socket) => void;
  readonly onGone: (connection: SimpleConnection) => void;
}

/** A request that was answered, though the system may not have taken all of the answer yet. */
export interface SimplyAnswered {
  /** Called once where some of the answer waits to be taken; what it gives is called when none does. */
  readonly lend?: (() => (() => void) | undefined) | undefined;
}

/** A connection of a client before Node's parser, for as long as all that comes are simple requests, one at a time. */
export class SimpleConnection {
  readonly socket: Socket;
  /** Of its other end. */
  readonly address: string;
  readonly #options: SimpleConnectionOptions;
  readonly #seen: SeenFields = {};
  readonly #idle: MovingDeadline;
  readonly #keptMs: number;
  readonly #stallMs: number;
  /** To a request that was not answered at once. */
  #response: SimpleResponse | undefined;
  /** What came meanwhile. */
  #next: Buffer | undefined;
  #isEnding = false;
  /** Whether anything was asked for. */
  #isUsed = false;
  /** An answer that was given at once. */
  #isSending = false;

  constructor(socket: Socket, options: SimpleConnectionOptions) {
    this.socket = socket;
    this.#options = options;
    const { server, clock } = options;
    const { headersTimeout, keepAliveTimeout, keepAliveTimeoutBuffer } = server;
    // As Node: a little longer than clients are told, so that none is cut off while it asks.
    this.#keptMs = keepAliveTimeout + keepAliveTimeoutBuffer;
    this.#stallMs = options.stallTimeout ?? this.#keptMs;
    this.#idle = new MovingDeadline(clock, this.#destroy);
    const remoteAddress = socket.remoteAddress ?? '';
    this.address = parseIpAddress(remoteAddress) ?? remoteAddress;
    socket.setTimeout(headersTimeout);
    socket.on('data', this.#received).on('end', this.#end).on('error', this.#destroy);
    socket.on('timeout', this.#timedOut).on('close', this.#closed);
  }

  /** Ends once what is under way on it has gone out. */
  finish(): void {
    this.#isEnding = true;
    if (!this.#response) this.socket.destroySoon();
  }

  #received = (piece: Buffer): void => {
    if (this.socket.writableEnded) return; // it is about to close: nobody would get to see an answer
    if (this.#response) {
      this.#next = this.#next ? Buffer.concat([this.#next, piece]) : piece;
      this.socket.pause();
      return;
    }
    const { answer, handle, harmless, maxHeadBytes } = this.#options;
    const request = piece.length <= maxHeadBytes ? simpleRequestIn(piece, this.#seen, harmless) : undefined;
    const answered = request?.isHarmless ? answer(request, this) : undefined;
    if (answered) this.#sent(answered);
    else if (request && handle) this.#handle(request, handle);
    else this.#leave(piece);
  };

  #sent({ lend }: SimplyAnswered): void {
    const { socket } = this;
    if (socket.writableLength === 0) {
      this.#waits();
      return;
    }
    // Whoever does not read gets no second answer.
    const giveBack = lend?.();
    socket.pause();
    this.#idle.lift();
    this.#isSending = true;
    socket.setTimeout(this.#stallMs);
    whenTaken(socket, () => {
      giveBack?.();
      this.#waits();
      socket.resume();
    });
  }

  #handle(request: SimpleRequest, handle: (message: SimpleMessage, response: SimpleResponse) => void): void {
    const { socket } = this;
    const message = new SimpleMessage(request, socket);
    const response = new SimpleResponse(message, this.#options.writing);
    this.#response = response;
    this.#isUsed = true;
    this.#idle.lift();
    if (socket.timeout !== this.#stallMs) socket.setTimeout(this.#stallMs);
    response.once('close', () => this.#handled(response));
    handle(message, response);
  }

  #handled({ shouldKeepAlive }: SimpleResponse): void {
    this.#response = undefined;
    const { socket } = this;
    if (socket.destroyed) return;
    const next = this.#next;
    this.#next = undefined;
    // What has come before the end was decided on is answered; Node does the same.
    if (!shouldKeepAlive || (this.#isEnding && !next)) {
      socket.destroySoon();
      return;
    }
    this.#waits();
    if (!next) return;
    socket.resume();
    this.#received(next);
  }

  /** For the next request. */
  #waits(): void {
    if (this.#isSending || !this.#isUsed) this.socket.setTimeout(0);
    this.#isSending = false;
    this.#isUsed = true;
    if (!this.socket.destroyed) this.#idle.moveTo(this.#keptMs);
  }

  /** Who waits for us does not stand still; who leaves us waiting does. */
  #timedOut = (): void => {
    const { socket } = this;
    const response = this.#response;
    if (response?.writableLength === 0 && !response.writableEnded) socket.setTimeout(this.#stallMs);
    else if (response || this.#isSending || !this.#isUsed) socket.destroy();
  };

  #leave(piece: Buffer): void {
    const { socket } = this;
    this.#gone();
    socket.setTimeout(0);
    socket.off('data', this.#received).off('end', this.#end).off('error', this.#destroy);
    socket.off('timeout', this.#timedOut).off('close', this.#closed);
    socket.pause();
    socket.unshift(piece);
    this.#options.handOver(socket);
    socket.resume();
  }

  #end = (): void => void this.socket.end();

  #destroy = (): void => void this.socket.destroy();

  #closed = (): void => {
    this.#gone();
    this.#response?.destroy();
  };

  #gone(): void {
    this.#idle.stop();
    this.#options.onGone(this);
  }
}
