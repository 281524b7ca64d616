import type { ClientRequest, IncomingMessage, InformationEvent } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fieldMembers } from '../../../http-cache/list-members.ts';
import { AnswerBody } from './answer-body.ts';
import { type AnswerHead, flawOfAnswer } from './answer-flaws.ts';
import { Deadline } from './deadline.ts';
import type { OriginHooks, OriginRequest, OriginResponse, SwitchedProtocol } from './origin-client.ts';
import { OriginError, type Phase, toOriginError } from './origin-error.ts';
import type { OriginSettings } from './origin-settings.ts';
import { asksFirst, sendRequest } from './send-request.ts';
import { cameWhole, WholeBody } from './whole-body.ts';

/** Connections that have served a request. Node's own mark is missing where one goes straight to a request that waits. */
const served = new WeakSet<Socket>();

type Outcome = OriginResponse | SwitchedProtocol;

/** One request on one connection, up to the head of its answer: what may happen meanwhile, and how long it may take. */
export class Exchange {
  readonly outcome: Promise<Outcome>;
  readonly #settings: OriginSettings;
  readonly #request: ClientRequest;
  readonly #asked: OriginRequest;
  readonly #protocol: string | undefined;
  readonly #hooks: OriginHooks;
  readonly #connect: Deadline;
  readonly #head: Deadline;
  readonly #stall: Deadline;
  #phase: Phase = 'connecting';
  #interims = 0;
  #isReused = false;
  /** Of its connection's bytes, those that came for others before. */
  #bytesBefore = 0;
  #failure: Error | undefined;
  #settle: PromiseWithResolvers<Outcome> = Promise.withResolvers();

  /** @param protocol that the request asks to switch to */
  constructor(
    settings: OriginSettings,
    request: ClientRequest,
    asked: OriginRequest,
    hooks: OriginHooks,
    protocol?: string,
  ) {
    this.#settings = settings;
    this.#request = request;
    this.#asked = asked;
    this.#hooks = hooks;
    this.#protocol = protocol;
    const { clock, connectTimeout, headersTimeout, idleTimeout } = settings;
    const failWith = (failure: 'timeout-connect' | 'timeout-headers' | 'timeout-idle') => () =>
      this.#fail(new OriginError(failure));
    this.#connect = new Deadline(clock, connectTimeout, failWith('timeout-connect'));
    this.#head = new Deadline(clock, headersTimeout, failWith('timeout-headers'));
    this.#stall = new Deadline(clock, idleTimeout, failWith('timeout-idle'));
    this.outcome = this.#settle.promise;
    this.#listen();
    this.#connect.start();
    sendRequest(request, asked, this.#stall, settings);
  }

  /** Whether it failed on a connection that the origin had closed meanwhile, before a byte of an answer came. */
  get wasUnheard(): boolean {
    if (!this.#isReused || !(this.#failure instanceof OriginError)) return false;
    return this.#failure.failure === 'reset' && this.#request.socket?.bytesRead === this.#bytesBefore;
  }

  get #isOver(): boolean {
    return this.#failure !== undefined || this.#phase === 'answering';
  }

  #listen(): void {
    const request = this.#request;
    request.on('error', (error) => this.#fail(error));
    request.once('close', () => this.#closed());
    request.once('socket', (socket) => this.#connecting(socket));
    request.once('finish', () => this.#awaitHead());
    request.on('information', (interim) => this.#interim(interim));
    request.once('response', (message) => {
      // A byte too many that came together with the head is found only when all that came has been parsed.
      queueMicrotask(() => this.#answered(message));
    });
    request.once('upgrade', (message, socket, head) => this.#switched(message, socket, head));
    const { signal } = this.#hooks;
    if (!signal) return;
    const abort = (): void => this.#fail(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    request.once('close', () => signal.removeEventListener('abort', abort));
    if (signal.aborted) queueMicrotask(abort);
  }

  /** The last word, where there was no other. */
  #closed(): void {
    if (!this.#isOver) this.#fail(new OriginError('reset'));
  }

  #connecting(socket: Socket): void {
    this.#isReused = served.has(socket);
    served.add(socket);
    if (!socket.connecting) {
      this.#bytesBefore = socket.bytesRead;
      this.#connected();
      return;
    }
    const isTls = 'encrypted' in socket;
    socket.once('connect', () => {
      if (isTls) this.#phase = 'handshaking';
      else this.#connected();
    });
    socket.once('secureConnect', () => this.#connected());
  }

  #connected(): void {
    this.#connect.stop();
    if (this.#failure) return;
    this.#phase = 'open';
    if (this.#request.writableFinished) this.#awaitHead();
  }

  #awaitHead(): void {
    if (this.#phase === 'open') this.#head.start();
  }

  #interim({ statusCode: status, statusMessage, httpVersion, rawHeaders }: InformationEvent): void {
    if (this.#failure) return;
    this.#interims += 1;
    const head = { status, reason: statusMessage, version: httpVersion, fields: rawHeaders };
    const flaw = this.#interims > this.#settings.maxInterim ? 'too many interim answers' : flawOfAnswer(head);
    if (flaw !== undefined) {
      this.#fail(new OriginError('malformed', { detail: flaw }));
      return;
    }
    if (this.#request.writableFinished) this.#awaitHead();
    if (status === 100 && asksFirst(this.#asked)) return; // its answer, not the client's
    this.#hooks.onInterim?.(status, rawHeaders);
  }

  #answered(message: IncomingMessage): void {
    message.on('error', () => {}); // a body that nobody reads may fail, too
    if (this.#isUnfit(message)) return;
    const head = headOf(message);
    if (head.status === 101) {
      this.#fail(new OriginError('malformed', { detail: 'it switches to a protocol that it does not name' }));
      return;
    }
    this.#phase = 'answering';
    this.#stopWaiting();
    const bytes = cameWhole(message);
    const body = bytes ? new WholeBody(bytes) : this.#bodyOf(message);
    // An origin that has said all before it has read all wants no more of it.
    message.once('end', () => {
      if (!this.#request.writableEnded) this.#request.destroy();
    });
    this.#settle.resolve({
      kind: 'answer',
      ...head,
      body,
      bytes,
      trailers: () => message.rawTrailers,
      isReused: this.#isReused,
    });
  }

  /** What goes wrong with the connection from now on goes wrong with the body. */
  #bodyOf(message: IncomingMessage): AnswerBody {
    const { clock, idleTimeout } = this.#settings;
    const body = new AnswerBody(message, clock, idleTimeout);
    this.#request.on('error', (error) => body.destroy(toOriginError(error, 'answering')));
    const { signal } = this.#hooks;
    const abort = (): unknown => body.destroy(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    body.once('close', () => signal?.removeEventListener('abort', abort));
    return body;
  }

  #switched(message: IncomingMessage, socket: Duplex, head: Buffer): void {
    const isAsked = fieldMembers(message.rawHeaders, 'upgrade').join().toLowerCase() === this.#protocol;
    if (!isAsked || this.#isUnfit(message)) {
      socket.on('error', () => {}).destroy();
      this.#fail(new OriginError('malformed', { detail: 'it switches to a protocol that nobody asked for' }));
      return;
    }
    this.#phase = 'answering';
    this.#stopWaiting();
    this.#settle.resolve({ kind: 'switched', fields: message.rawHeaders, socket, head });
  }

  #isUnfit(message: IncomingMessage): boolean {
    const flaw = flawOfAnswer(headOf(message));
    if (message.rawHeaders.length / 2 > this.#settings.maxFields)
      this.#fail(new OriginError('too-large-head'));
    else if (flaw !== undefined) this.#fail(new OriginError('malformed', { detail: flaw }));
    return this.#failure !== undefined;
  }

  #stopWaiting(): void {
    this.#connect.stop();
    this.#head.stop();
  }

  /** Of several failures the first is the reason; after the head they are the body's. */
  #fail(error: unknown): void {
    if (this.#isOver) return;
    const isOurs = error === this.#hooks.signal?.reason && this.#hooks.signal?.aborted;
    this.#failure = isOurs && error instanceof Error ? error : toOriginError(error, this.#phase);
    this.#stopWaiting();
    this.#settle.reject(this.#failure);
    this.#request.destroy();
  }
}

function headOf({ statusCode, statusMessage, httpVersion, rawHeaders }: IncomingMessage): AnswerHead {
  return {
    status: statusCode ?? 0,
    reason: statusMessage ?? '',
    version: httpVersion,
    fields: rawHeaders,
  };
}
