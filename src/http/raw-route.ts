import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { HttpApp } from './listener.ts';

export type RawHandler = (request: FastifyRequest, response: ServerResponse) => Promise<void>;

/** Leaves bodies of any type unread for the handlers of this scope, which stream them. */
export function leaveBodiesUnread(scope: HttpApp): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, _body, done) => done(null));
}

/**
 * A route whose handler writes to the raw response: no copy between the store and the socket.
 * @param fail answers what the handler throws, where nothing was answered yet
 */
export function rawRoute(
  handle: RawHandler,
  fail: (error: unknown, request: FastifyRequest, response: ServerResponse) => void,
) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    reply.hijack();
    try {
      await handle(request, reply.raw);
    } catch (error) {
      fail(error, request, reply.raw);
    }
  };
}

/** Whether the client broke its request off, so that there is nobody to tell anything. */
export function isBrokenOff(request: IncomingMessage): boolean {
  return request.destroyed && !request.complete; // one that came whole is destroyed at its end, too
}
