import { VelocityError } from '../base/errors.ts';
import type { CacheAccess } from '../runner/artifact-cache.ts';

export interface CacheModes {
  readonly local: CacheAccess;
  readonly remote: CacheAccess;
}

const BOTH: CacheAccess = { read: true, write: true };
const NONE: CacheAccess = { read: false, write: false };

/** `local:rw,remote:r`. A cache that is not named is not used; without any mode both are, fully. */
export function parseCacheModes(text: string | undefined): CacheModes {
  if (text === undefined || text === '') return { local: BOTH, remote: BOTH };
  const modes: { local: CacheAccess; remote: CacheAccess } = { local: NONE, remote: NONE };
  for (const part of text.split(',')) {
    const match = /^\s*(local|remote):(r?w?)\s*$/.exec(part);
    if (!match) {
      throw new VelocityError(
        'USAGE',
        `--cache: "${part}" is not understood. Write local and remote, each with r, w, rw or nothing: local:rw,remote:r.`,
      );
    }
    const [, name, letters = ''] = match;
    modes[name as 'local' | 'remote'] = { read: letters.includes('r'), write: letters.includes('w') };
  }
  return modes;
}
