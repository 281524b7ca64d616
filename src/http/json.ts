import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { VelocityError } from '../base/errors.ts';
import { boundedBody } from './transfer.ts';

/**
 * A message's body, for raw routes.
 * @throws VelocityError `BAD_REQUEST`, `BODY_TOO_LARGE`
 */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const body = await buffer(boundedBody(request, maxBytes));
  try {
    return JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new VelocityError('BAD_REQUEST', 'The body is not valid JSON.', { cause: error, field: 'body' });
  }
}

export function answerJson(response: ServerResponse, status: number, value: unknown): void {
  // As text: Node sends it in one piece with the head.
  const body = JSON.stringify(value);
  const length = String(Buffer.byteLength(body));
  response.writeHead(status, ['content-type', 'application/json', 'content-length', length]);
  response.end(body);
}
