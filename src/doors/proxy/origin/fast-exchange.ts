import type { Readable } from 'node:stream';
import type { Fields } from '../../../http-cache/fields.ts';
import { Deadline } from './deadline.ts';
import { FastBody } from './fast-body.ts';
import type { ConnectionUser, FastConnection } from './fast-connection.ts';
import type { FastConnections } from './fast-connections.ts';
import type { OriginHooks, OriginResponse } from './origin-client.ts';
import { OriginError, toOriginError } from './origin-error.ts';
import type { OriginSettings } from './origin-settings.ts';
import { type SimpleAnswer, simpleAnswerIn } from './simple-answer.ts';
import { simpleChunksIn } from './simple-chunks.ts';
import { ownBytes, WholeBody } from './whole-body.ts';

export interface FastExchangeOptions {
  readonly settings: OriginSettings;
  readonly connections: FastConnections;
  readonly method: 'GET' | 'HEAD';
  /** The request as it is sent. */
  readonly text: string;
  readonly hooks: OriginHooks;
  /** Reads an answer that is not simple, from its first piece on. */
  readonly handOver: (connection: FastConnection, first: Uint8Array) => Promise<OriginResponse>;
}

/** A simple request, up to the head of its answer: what may happen meanwhile, and how long it may take. */
export class FastExchange implements ConnectionUser {
  readonly outcome: Promise<OriginResponse>;
  readonly #options: FastExchangeOptions;
  readonly #settle: PromiseWithResolvers<OriginResponse> = Promise.withResolvers();
  /** Of the connection, where there was none at once. */
  #connect: Deadline | undefined;
  #connection: FastConnection | undefined;
  #isConnected = false;
  #stopWaiting: (() => void) | undefined;
  #isOver = false;

  constructor(options: FastExchangeOptions) {
    this.#options = options;
    this.outcome = this.#settle.promise;
    const { signal } = options.hooks;
    signal?.addEventListener('abort', this.#abort, { once: true });
    if (signal?.aborted) this.#abort();
    else this.#begin((onConnection) => options.connections.take(onConnection));
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
    const connection = this.#connection;
    const { connections } = this.#options;
    // The origin closed a kept connection just as we wrote. It has told nobody that it heard, so this may be said again, once;
    // not on another kept one, which it may have closed for the same reason.
    if (connection?.isServed && !this.#isOver && !connections.isClosed) {
      connections.closeAllIdle();
      this.#connection = undefined;
      this.#begin((onConnection) => connections.takeNew(onConnection));
      return;
    }
    const phase = this.#isConnected ? 'open' : 'connecting';
    this.#fail(error || phase === 'connecting' ? toOriginError(error, phase) : new OriginError('reset'));
  }

  missed(): void {
    this.#fail(new OriginError('timeout-headers'));
  }

  #begin(take: (onConnection: (connection: FastConnection, isNew: boolean) => void) => () => void): void {
    const stopWaiting = take((connection, isNew) => this.#use(connection, isNew));
    if (this.#isConnected || this.#isOver) return;
    this.#stopWaiting = stopWaiting;
    const { clock, connectTimeout } = this.#options.settings;
    this.#connect ??= new Deadline(clock, connectTimeout, () =>
      this.#fail(new OriginError('timeout-connect')),
    );
    this.#connect.start();
  }

  #use(connection: FastConnection, isNew: boolean): void {
    this.#connection = connection;
    this.#isConnected = false;
    connection.use(this);
    if (isNew) connection.onceConnected(() => this.#ask(connection));
    else this.#ask(connection);
  }

  #ask(connection: FastConnection): void {
    if (this.#isOver) return;
    this.#connect?.stop();
    this.#isConnected = true;
    connection.expectWithin(this.#options.settings.headersTimeout);
    connection.write(this.#options.text);
  }

  #answered(connection: FastConnection, answer: SimpleAnswer, bytes: Uint8Array): void {
    if (!this.#end()) return;
    const { isServed } = connection;
    this.#options.connections.release(connection, answer.keptSeconds);
    this.#settle.resolve(new WholeAnswer(answer, bytes, isServed));
  }

  #begun(connection: FastConnection, answer: SimpleAnswer, length: number, first: Buffer): boolean {
    if (!this.#end()) return false;
    const { hooks, connections, settings } = this.#options;
    const { status, reason, fields, keptSeconds } = answer;
    const abort = (): void => void body.destroy(hooks.signal?.reason);
    const letGo = (): void => hooks.signal?.removeEventListener('abort', abort);
    const body = new FastBody({
      ...{ connection, length, idleTimeout: settings.idleTimeout },
      onWhole: () => connections.release(connection, keptSeconds),
      onCut: letGo,
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

  #handOver(connection: FastConnection, piece: Buffer): void {
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
