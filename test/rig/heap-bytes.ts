import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** What is in use once all that nobody holds is gone. */
export function heapBytes(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
