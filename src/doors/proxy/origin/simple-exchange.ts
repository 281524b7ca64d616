import type { Readable } from 'node:stream';
import type { Fields } from '../../../http-cache/fields.ts';
import { Deadline } from './deadline.ts';
import type { OriginHooks, OriginResponse } from './origin-client.ts';
import type { ConnectionUser, OriginConnection } from './origin-connection.ts';
import type { ConnectionSeeker, OriginConnections } from './origin-connections.ts';
import { OriginError, toOriginError } from './origin-error.ts';
import type { OriginSettings } from './origin-settings.ts';
import { type SimpleAnswer, simpleAnswerIn } from './simple-answer.ts';
import { SimpleBody } from './simple-body.ts';
import { simpleChunksIn } from './simple-chunks.ts';
import { ownBytes, WholeBody } from './whole-body.ts';

export interface SimpleExchangeOptions {
  readonly settings: OriginSettings;
  readonly connections: OriginConnections;
  readonly method: 'GET' | 'HEAD';
  /** The request as it is sent. */
  readonly text: string;
  readonly hooks: OriginHooks;
  /** Reads an answer that is not simple, from its first piece on. */
  readonly handOver: (connection: OriginConnection, first: Uint8Array) => Promise<OriginResponse>;
}

/** A simple request, up to the head of its answer: what may happen meanwhile, and how long it may take. */
export class SimpleExchange implements ConnectionUser, ConnectionSeeker {
  readonly outcome: Promise<OriginResponse>;
  readonly #options: SimpleExchangeOptions;
  readonly #settle: PromiseWithResolvers<OriginResponse> = Promise.withResolvers();
  /** Of the connection, where there was none at once. */
  #connect: Deadline | undefined;
  #connection: OriginConnection | undefined;
  #isConnected = false;
  #isSecond = false;
  #stopWaiting: (() => void) | undefined;
  #isOver = false;

  constructor(options: SimpleExchangeOptions) {
    this.#options = options;
    this.outcome = this.#settle.promise;
    const { signal } = options.hooks;
    signal?.addEventListener('abort', this.#abort, { once: true });
    if (signal?.aborted) this.#abort();
    else this.#begin();
  }

  received(piece: Buffer): boolean {
    const { method, settings } = this.#options;
    const connection = this.#connection;
    if (!connection) return false;
    const answer = simpleAnswerIn(piece, method, settings);
    const body = answer && bodyOf(answer, piece);
    if (answer && body) this.#answered(connection, answer, body);
    else if (answer && typeof answer.length === 'number' && piece.length - answer.bodyAt < answer.length)
      return this.#begun(connection, answer, answer.length, piece.subarray(answer.bodyAt));
    else this.#handOver(connection, piece);
    return true;
  }

  ended(): void {
    this.#connection?.close();
    this.broken(undefined);
  }

  broken(error: Error | undefined): void {
    // It may be said again, once (`sent-again.ts`); not on another kept one, which may have been closed for the same reason.
    if (this.#connection?.isServed && !this.#isSecond && !this.#isOver) {
      this.#isSecond = true;
      this.#isConnected = false;
      this.#connection = undefined;
      this.#options.connections.closeAllIdle();
      this.#begin();
      return;
    }
    const phase = this.#isConnected ? 'open' : 'connecting';
    this.#fail(error || phase === 'connecting' ? toOriginError(error, phase) : new OriginError('reset'));
  }

  missed(): void {
    this.#fail(new OriginError('timeout-headers'));
  }

  found(connection: OriginConnection, isNew: boolean): void {
    this.#connection = connection;
    connection.use(this);
    if (isNew) connection.onceConnected(() => this.#ask(connection));
    else this.#ask(connection);
  }

  closed(): void {
    this.#fail(new OriginError('reset'));
  }

  #begin(): void {
    const { connections, settings } = this.#options;
    const stopWaiting = connections.take(this, this.#isSecond);
    if (this.#isConnected || this.#isOver) return;
    this.#stopWaiting = stopWaiting;
    this.#connect ??= new Deadline(settings.clock, settings.connectTimeout, () =>
      this.#fail(new OriginError('timeout-connect')),
    );
    this.#connect.start();
  }

  #ask(connection: OriginConnection): void {
    if (this.#isOver) return;
    this.#connect?.stop();
    this.#isConnected = true;
    connection.expectWithin(this.#options.settings.headersTimeout);
    connection.write(this.#options.text);
  }

  #answered(connection: OriginConnection, answer: SimpleAnswer, bytes: Uint8Array): void {
    if (!this.#end()) return;
    const { isServed } = connection;
    this.#options.connections.release(connection, answer.keptSeconds);
    this.#settle.resolve(new WholeAnswer(answer, bytes, isServed));
  }

  #begun(connection: OriginConnection, answer: SimpleAnswer, length: number, first: Buffer): boolean {
    if (!this.#end()) return false;
    connection.expectNothing();
    const { hooks, connections, settings } = this.#options;
    const { status, reason, fields, keptSeconds } = answer;
    const abort = (): void => void body.destroy(hooks.signal?.reason);
    const letGo = (): void => hooks.signal?.removeEventListener('abort', abort);
    const body = new SimpleBody({
      ...{ connection, length, idleTimeout: settings.idleTimeout },
      onWhole: () => connections.release(connection, keptSeconds),
      onClosed: letGo,
    });
    hooks.signal?.addEventListener('abort', abort, { once: true });
    const { isServed: isReused } = connection;
    connection.use(body);
    this.#settle.resolve({
      ...{ kind: 'answer', version: '1.1', status, reason, fields, body, isReused },
      trailers: () => [],
    });
    return first.length === 0 || body.received(first);
  }

  #handOver(connection: OriginConnection, piece: Buffer): void {
    if (!this.#end()) return;
    const { isServed: isReused } = connection;
    this.#options
      .handOver(connection, Buffer.from(piece))
      .then((answer) => this.#settle.resolve({ ...answer, isReused }), this.#settle.reject);
  }

  #abort = (): void => {
    const { reason } = this.#options.hooks.signal ?? {};
    this.#fail(reason ?? new OriginError('reset'));
  };

  #fail(error: Error): void {
    if (!this.#end()) return;
    this.#stopWaiting?.();
    this.#connection?.close();
    this.#settle.reject(error);
  }

  /** @returns whether it was not over before */
  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#connect?.stop();
    this.#options.hooks.signal?.removeEventListener('abort', this.#abort);
    return true;
  }
}

/** The body that came with the head, if that was all of it; in memory of its own. */
function bodyOf({ length, bodyAt }: SimpleAnswer, piece: Buffer): Uint8Array | undefined {
  if (length === 'chunked') return simpleChunksIn(piece, bodyAt);
  return piece.length - bodyAt === length ? ownBytes(piece.subarray(bodyAt)) : undefined;
}

/** The stream is made for those alone who want one. */
class WholeAnswer implements OriginResponse {
  readonly kind = 'answer';
  readonly version = '1.1';
  readonly status: number;
  readonly reason: string;
  readonly fields: Fields;
  readonly bytes: Uint8Array;
  readonly isReused: boolean;
  #body: WholeBody | undefined;

  constructor({ status, reason, fields }: SimpleAnswer, bytes: Uint8Array, isReused: boolean) {
    this.status = status;
    this.reason = reason;
    this.fields = fields;
    this.bytes = bytes;
    this.isReused = isReused;
  }

  get body(): Readable {
    this.#body ??= new WholeBody(this.bytes);
    return this.#body;
  }

  trailers(): Fields {
    return [];
  }
}
