import type { CacheUri } from '../../../http-cache/cache-uri.ts';
import type { Fields } from '../../../http-cache/fields.ts';

/** What purges and bans look at of a stored response. */
export interface StoredSubject {
  readonly uri: CacheUri;
  readonly status: number;
  /** As stored. */
  readonly fields: Fields;
  /** Milliseconds since the epoch; a ban is about what came before it. */
  readonly storedAt: number;
}
