import type { IncomingMessage } from 'node:http';

/**
 * Lets the request's connection stand still while the server itself is at work: the limit for idle connections is
 * for clients that are gone, and would cut off one that waits for a large answer.
 */
export async function unhurried<T>(request: IncomingMessage, work: () => Promise<T>): Promise<T> {
  const { socket } = request;
  const limitMs = socket.timeout ?? 0;
  socket.setTimeout(0);
  try {
    return await work();
  } finally {
    socket.setTimeout(limitMs);
  }
}
