import { Lanes } from '../../base/lanes.ts';

const AT_ONCE = 4;

/** For answers that are gathered in memory before they are sent, up to 64 MiB each: more of them wait. */
export const gathering = new Lanes(AT_ONCE);
