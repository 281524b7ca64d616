import { randomBytes } from 'node:crypto';
import type { ObjectKey } from '../../object-key.ts';

/** Where what is being uploaded lies until it is moved to its key. No object's key begins with it. */
export const UPLOADS_FOLDER = '.velocity-uploads';
/** What nobody has written to for so long belongs to a server that is gone. */
const ABANDONED_AFTER_MS = 24 * 3600_000;

const NAME = /^[0-9a-f]{32}$/;

export function newUploadName(): string {
  return randomBytes(16).toString('hex');
}

/** Whether a server that ended in the middle left it; a file of another name is none of ours. */
export function isAbandoned(name: string, modifiedAt: number, now: number): boolean {
  return NAME.test(name) && modifiedAt > 0 && now - modifiedAt > ABANDONED_AFTER_MS;
}

export function isReserved(key: ObjectKey | string): boolean {
  return key === UPLOADS_FOLDER || key.startsWith(`${UPLOADS_FOLDER}/`);
}
