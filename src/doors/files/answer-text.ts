import type { ServerResponse } from 'node:http';
import type { FastifyRequest } from 'fastify';

/** Beside every text: a browser is not to find out by itself what it is. */
export const TEXT_FIELDS = [
  ...['content-type', 'text/plain; charset=utf-8'],
  ...['x-content-type-options', 'nosniff'],
] as const;

/** Answers a GET or a HEAD with a text that was made for it. */
export function answerText({ method }: FastifyRequest, response: ServerResponse, body: string): void {
  const bytes = Buffer.from(body);
  response.writeHead(200, [...TEXT_FIELDS, 'content-length', String(bytes.length)]);
  response.end(method === 'HEAD' ? undefined : bytes);
}
