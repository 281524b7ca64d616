import * as http from 'node:http';
import { Duplex } from 'node:stream';
import type { ConnectionUser, OriginConnection } from './origin-connection.ts';

/**
 * A connection on which a request was sent, for a client of Node's that is to read the answer: what the client sends, which
 * is that request, goes nowhere.
 */
export class HandedOver extends Duplex implements ConnectionUser {
  readonly #connection: OriginConnection;
  /** For which the origin keeps the connection, where it says so. */
  keptSeconds: number | undefined;
  #isBack = false;
  #isEnded = false;

  /** @param first of the answer */
  constructor(connection: OriginConnection, first: Uint8Array) {
    super();
    this.#connection = connection;
    this.push(first);
    connection.expectNothing();
    connection.use(this);
  }

  received(piece: Buffer): boolean {
    return this.push(Buffer.from(piece));
  }

  ended(): void {
    this.#isEnded = true;
    this.push(null);
  }

  /** An end is followed by it, and what came before that is yet to be read. */
  broken(error: Error | undefined): void {
    if (!this.#isEnded) this.destroy(error);
  }

  missed(): void {}

  /** The connection, once an answer was read to its end, where nothing came after it. */
  takeBack(): OriginConnection | undefined {
    if (this.destroyed || this.readableLength > 0 || this.readableEnded) return undefined;
    this.#isBack = true;
    return this.#connection;
  }

  override _read(): void {
    this.#connection.resume();
  }

  override _write(_chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (!this.#isBack) this.#connection.close();
    setImmediate(callback, error); // as a socket is: what came before is read first
  }
}

type OnFree = (connection: OriginConnection, keptSeconds: number | undefined) => void;

/** Gives each request the connection that was handed over for it, and gives that back once it is free. */
export class HandedOverAgent extends http.Agent {
  readonly #onFree: OnFree;
  #next: HandedOver | undefined;

  constructor(onFree: OnFree) {
    super({ keepAlive: true });
    this.#onFree = onFree;
  }

  /** @param request makes one request of this agent, at once */
  through<T>(connection: HandedOver, request: () => T): T {
    this.#next = connection;
    try {
      return request();
    } finally {
      this.#next = undefined;
    }
  }

  override createConnection(): Duplex | undefined {
    return this.#next;
  }

  /** What is given back is let go of here. */
  override keepSocketAlive(socket: Duplex): boolean {
    if (!(socket instanceof HandedOver)) return false;
    const connection = socket.takeBack();
    if (connection) this.#onFree(connection, socket.keptSeconds);
    return false;
  }
}
