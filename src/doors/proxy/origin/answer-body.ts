import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Clock } from '../../../base/clock.ts';
import { Deadline } from './deadline.ts';
import { OriginError, toOriginError } from './origin-error.ts';

/** The body of an origin's answer. It ends when the answer is whole, and fails when that cannot come to be. */
export class AnswerBody extends Readable {
  readonly #message: IncomingMessage;
  readonly #idle: Deadline;

  constructor(message: IncomingMessage, clock: Clock, idleTimeout: number) {
    super();
    this.#message = message;
    this.#idle = new Deadline(clock, idleTimeout, () => this.destroy(new OriginError('timeout-idle')));
    message.on('data', (chunk: Buffer) => {
      if (this.push(chunk)) {
        this.#idle.start();
        return;
      }
      this.#idle.stop(); // it is the reader now who is waited for
      message.pause();
    });
    message.once('end', () => {
      this.#idle.stop();
      this.push(null);
    });
    message.once('error', (error) => this.destroy(toOriginError(error, 'answering')));
    message.once('close', () => {
      if (!message.readableEnded) this.destroy(new OriginError('reset'));
    });
    message.pause();
  }

  override _read(): void {
    if (this.#message.readableEnded) return;
    this.#idle.start();
    this.#message.resume();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#idle.stop();
    if (!this.#message.readableEnded) this.#message.destroy();
    // Nobody may be listening any more, or not yet: a body that is let go must not end the process.
    if (this.listenerCount('error') === 0) this.once('error', () => {});
    callback(error);
  }
}
