import type { Socket } from 'node:net';

/** Larger bodies, or pieces of them, are written by themselves: copying them costs more than a second write. */
export const ONE_PIECE_BYTES = 64 * 1024;
const BUFFER_BYTES = ONE_PIECE_BYTES + 4096;

/** Where small messages are put together before they go out in one piece: the system takes nearly all of them at once. */
export class SendBuffer {
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);

  /**
   * Writes a message to a socket.
   * @param put writes all of it into a buffer that begins here
   */
  send(socket: Socket, length: number, put: (buffer: Buffer) => void): void {
    const buffer = length <= BUFFER_BYTES ? this.#buffer : Buffer.allocUnsafe(length);
    put(buffer);
    socket.write(buffer.subarray(0, length));
    // What the system has not taken yet is still read from there.
    if (socket.writableLength > 0 && buffer === this.#buffer)
      this.#buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }
}

/** Calls back when the system has all that was written, or the socket is gone; `drain` does so only after more than fits at once. */
export function whenTaken(socket: Socket, done: (error?: Error | null) => void): void {
  socket.write('', done);
}
