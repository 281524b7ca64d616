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

/** Ids that differ in their last digits alone: to put two known texts together costs a fraction of writing a number. */
const BLOCK_DIGITS = 3;
const BLOCK = 16 ** BLOCK_DIGITS;
const BLOCK_TEXTS = Array.from({ length: BLOCK }, (_, n) => n.toString(16).padStart(BLOCK_DIGITS, '0'));
let lastBlock = -1;
let lastBlockText = '';

let next = 0;

/** The next request's number, for whoever needs its id as text rarely. */
export function nextRequestNumber(): number {
  return next++;
}

/** In the form of a UUID; it is no secret, and the next one can be told from it. */
export function requestIdOf(number: number): string {
  const block = Math.floor(number / BLOCK);
  if (block !== lastBlock) {
    lastBlock = block;
    lastBlockText = PREFIX + block.toString(16).padStart(DIGITS - BLOCK_DIGITS, '0');
  }
  return lastBlockText + (BLOCK_TEXTS[number % BLOCK] as string);
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
