import { connect, type Socket } from 'node:net';
import type { Clock } from '../../../base/clock.ts';
import { MovingDeadline } from '../../../base/moving-deadline.ts';

/** Who uses a connection, told of what happens on it. */
export interface ConnectionUser {
  /**
   * @param piece is written over when this returns
   * @returns `false`: no more before `resume`
   */
  received(piece: Buffer): boolean;
  /** The origin sends no more. */
  ended(): void;
  /** It is no more. Not told where the user has closed it. */
  broken(error: Error | undefined): void;
  /** What was waited for did not come in time. */
  missed(): void;
}

/**
 * Into which all of them read: what comes is told of before anything else is read, so one is enough, and none has to be made
 * for each read.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

/** A connection to an origin, read and written as bytes. It belongs to one user at a time, or to nobody. */
export class OriginConnection {
  readonly #socket: Socket;
  readonly #deadline: MovingDeadline;
  #user: ConnectionUser | undefined;
  #isServed = false;
  #isPaused = false;

  /** Connects. @param onClosed told once, of whatever end */
  constructor(host: string, port: number, clock: Clock, onClosed: (connection: OriginConnection) => void) {
    this.#deadline = new MovingDeadline(clock, () => this.#missed());
    this.#socket = connect({
      ...{ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 1_000 },
      onread: { buffer: READ_BUFFER, callback: (bytes) => this.#received(READ_BUFFER.subarray(0, bytes)) },
    });
    let failure: Error | undefined;
    this.#socket.on('error', (error) => {
      failure = error;
    });
    this.#socket.once('end', () => {
      const user = this.#user;
      if (user) user.ended();
      else this.close();
    });
    this.#socket.once('close', () => {
      this.#deadline.stop();
      onClosed(this);
      const user = this.#user;
      this.#user = undefined;
      user?.broken(failure);
    });
  }

  /** Whether it has served a request before this one. */
  get isServed(): boolean {
    return this.#isServed;
  }

  get isUsable(): boolean {
    return this.#socket.readyState === 'open';
  }

  onceConnected(callback: () => void): void {
    this.#socket.once('connect', callback);
  }

  /** It is this one's from now on. */
  use(user: ConnectionUser): void {
    this.#user = user;
  }

  /** It is nobody's: whatever comes now ends it, and so does the time. */
  release(keptMs: number): void {
    this.#user = undefined;
    this.#isServed = true;
    this.#deadline.moveTo(keptMs);
    this.resume();
  }

  /** @param text a character a byte */
  write(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** Something has to come, or to be over, in so many milliseconds. */
  expectWithin(ms: number): void {
    this.#deadline.moveTo(ms);
  }

  expectNothing(): void {
    this.#deadline.lift();
  }

  resume(): void {
    if (this.#isPaused) this.#socket.resume();
    this.#isPaused = false;
  }

  /** At once, and its user hears no more of it. */
  close(): void {
    this.#user = undefined;
    this.#socket.destroy();
  }

  /** Under its user's hands. */
  cut(): void {
    this.#socket.destroy();
  }

  #received(piece: Buffer): boolean {
    if (!this.#user) {
      this.close(); // nobody has asked for it
      return false;
    }
    this.#isPaused = !this.#user.received(piece);
    return !this.#isPaused;
  }

  #missed(): void {
    if (this.#user) this.#user.missed();
    else this.close();
  }
}
