import { randomBytes } from 'node:crypto';

/** Of this process, so that no two processes give the same. */
const PREFIX = `${randomBytes(4).toString('hex')}-${randomBytes(2).toString('hex')}-${randomBytes(2).toString('hex')}-${randomBytes(2).toString('hex')}-`;
let next = 0;

/** A new id, in the form of a UUID; it is no secret, and the next one can be told from it. */
export function nextRequestId(): string {
  return PREFIX + (next++).toString(16).padStart(12, '0');
}
