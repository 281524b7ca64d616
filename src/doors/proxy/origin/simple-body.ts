import { Readable } from 'node:stream';
import type { ConnectionUser, OriginConnection } from './origin-connection.ts';
import { OriginError, toOriginError } from './origin-error.ts';

export interface SimpleBodyOptions {
  readonly connection: OriginConnection;
  /** Bytes of it, of which at least one has not come. */
  readonly length: number;
  /** In ms, as long as its reader waits. */
  readonly idleTimeout: number;
  /** It is whole, and the connection is free. */
  readonly onWhole: () => void;
  /** Whatever its end. */
  readonly onClosed: () => void;
}

/** A body of known length as it comes. It ends when it is whole, and fails when that cannot come to be. */
export class SimpleBody extends Readable implements ConnectionUser {
  readonly #options: SimpleBodyOptions;
  #left: number;
  #isRead = false;

  constructor(options: SimpleBodyOptions) {
    super();
    this.#options = options;
    this.#left = options.length;
  }

  received(piece: Buffer): boolean {
    const { connection, idleTimeout, onWhole } = this.#options;
    if (piece.length > this.#left) {
      // Nobody knows which of them were meant.
      this.destroy(new OriginError('malformed', { detail: 'more came than was announced' }));
      return false;
    }
    this.#left -= piece.length;
    const wantsMore = this.push(Buffer.from(piece));
    if (this.#left === 0) {
      connection.expectNothing();
      onWhole();
      this.push(null);
      return true;
    }
    if (wantsMore && this.#isRead) connection.expectWithin(idleTimeout);
    else connection.expectNothing(); // it is the reader now who is waited for
    return wantsMore;
  }

  ended(): void {
    this.destroy(new OriginError('reset'));
  }

  broken(error: Error | undefined): void {
    this.destroy(error ? toOriginError(error, 'answering') : new OriginError('reset'));
  }

  missed(): void {
    this.destroy(new OriginError('timeout-idle'));
  }

  override _read(): void {
    this.#isRead = true;
    if (this.#left === 0) return;
    const { connection, idleTimeout } = this.#options;
    connection.expectWithin(idleTimeout);
    connection.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    if (this.#left > 0) this.#options.connection.close();
    this.#options.onClosed();
    // Nobody may be listening any more, or not yet: a body that is let go must not end the process.
    if (this.listenerCount('error') === 0) this.once('error', () => {});
    callback(error);
  }
}
