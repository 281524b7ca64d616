import type { ClientRequest } from 'node:http';
import { fieldMembers } from '../../../http-cache/list-members.ts';
import { Deadline } from './deadline.ts';
import type { OriginRequest } from './origin-client.ts';
import type { OriginSettings } from './origin-settings.ts';
import { announcedLength, sendBody } from './send-body.ts';

/** Whether the body waits for the origin to ask for it. RFC 9110 §10.1.1. */
export function asksFirst({ body, fields }: OriginRequest): boolean {
  return body !== undefined && fieldMembers(fields, 'expect').join().toLowerCase() === '100-continue';
}

/** Sends the head and, at once or when it is asked for, the body. @param stall runs while the origin takes nothing */
export function sendRequest(
  request: ClientRequest,
  asked: OriginRequest,
  stall: Deadline,
  { clock, continueTimeout }: OriginSettings,
): void {
  const { body, fields, trailers } = asked;
  if (!body) {
    request.end();
    return;
  }
  request.flushHeaders(); // Node would keep the head until there is something of the body
  const send = (): void => sendBody(request, { body, length: announcedLength(fields), trailers, stall });
  if (!asksFirst(asked)) {
    send();
    return;
  }
  let isOver = false;
  const over = (): void => {
    isOver = true;
    patience.stop();
  };
  const begin = (): void => {
    if (isOver) return;
    over();
    send();
  };
  // An origin may know nothing of it (RFC 9110 §10.1.1), so the wait for its word is a short one.
  const patience = new Deadline(clock, continueTimeout, begin);
  request.once('socket', () => patience.start());
  request.once('continue', begin);
  request.once('response', over);
  request.once('close', over);
}
