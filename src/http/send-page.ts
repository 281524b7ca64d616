import type { Socket } from 'node:net';

const PAGE_BYTES = 68 * 1024;

/** Where small messages are put together before they go out in one piece: the system takes nearly all of them at once. */
export class SendPage {
  #page = Buffer.allocUnsafeSlow(PAGE_BYTES);

  /**
   * Writes a message to a socket.
   * @param put writes all of it into a buffer that begins here
   */
  send(socket: Socket, length: number, put: (page: Buffer) => void): void {
    const page = length <= PAGE_BYTES ? this.#page : Buffer.allocUnsafe(length);
    put(page);
    socket.write(page.subarray(0, length));
    // What the system has not taken yet is still read from there.
    if (socket.writableLength > 0 && page === this.#page) this.#page = Buffer.allocUnsafeSlow(PAGE_BYTES);
  }
}

/** Calls back when the system has all that was written, or the socket is gone; `drain` does so only after more than fits at once. */
export function whenTaken(socket: Socket, done: (error?: Error | null) => void): void {
  socket.write('', done);
}
