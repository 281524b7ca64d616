import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/** Connections without a limit now: for how many requests, and what it was. They are more than one where they are pipelined. */
const unlimited = new WeakMap<Socket, { works: number; readonly limitMs: number }>();

/**
 * Lets the request's connection stand still while the server itself is at work: the limit for idle connections is
 * for clients that are gone, and would cut off one that waits for a large answer.
 */
export async function unhurried<T>({ socket }: IncomingMessage, work: () => Promise<T>): Promise<T> {
  const before = unlimited.get(socket) ?? { works: 0, limitMs: socket.timeout ?? 0 };
  unlimited.set(socket, before);
  before.works++;
  socket.setTimeout(0);
  try {
    return await work();
  } finally {
    if (--before.works === 0) {
      unlimited.delete(socket);
      socket.setTimeout(before.limitMs);
    }
  }
}
