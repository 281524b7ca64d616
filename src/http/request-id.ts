import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Of this process, so that no two processes give the same. */
const PREFIX = `${randomBytes(4).toString('hex')}-${randomBytes(2).toString('hex')}-${randomBytes(2).toString('hex')}-${randomBytes(2).toString('hex')}-`;
const DIGITS = 12;
const REQUEST_ID_LENGTH = PREFIX.length + DIGITS;
/** Any id of this process: all but its digits is the same in each. */
export const ANY_REQUEST_ID = PREFIX + '0'.repeat(DIGITS);
const HEX = Buffer.from('0123456789abcdef', 'latin1');

const INCOMING_ID = /^[A-Za-z0-9._-]{1,64}$/;

let next = 0;

/** The next request's number, for whoever needs its id as text rarely. */
export function nextRequestNumber(): number {
  return next++;
}

/** In the form of a UUID; it is no secret, and the next one can be told from it. */
export function requestIdOf(number: number): string {
  return PREFIX + number.toString(16).padStart(DIGITS, '0');
}

/** Writes the digits of a request's id over those of another, which begins at `at`. */
export function putRequestId(number: number, target: Uint8Array, at: number): void {
  let rest = number;
  for (let i = at + REQUEST_ID_LENGTH - 1; i >= at + PREFIX.length; i--) {
    target[i] = HEX[rest % 16] as number;
    rest = Math.floor(rest / 16);
  }
}

export function nextRequestId(): string {
  return requestIdOf(nextRequestNumber());
}

/** What the client calls its request, if that can stand in logs; else the next id. */
export function requestIdFor({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && INCOMING_ID.test(given) ? given : nextRequestId();
}
