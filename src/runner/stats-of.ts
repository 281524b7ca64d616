import { lstatSync, type Stats } from 'node:fs';
import { systemCode } from '../base/errors.ts';

/** What is at a path, links not followed; `undefined` where nothing is, be it that a file stands where a folder should. */
export function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
