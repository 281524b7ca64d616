import type { CacheUri } from '../../../http-cache/cache-uri.ts';
import type { Fields } from '../../../http-cache/fields.ts';
import type { HeldParts } from '../../../http-cache/parts.ts';
import type { Variant } from '../../../http-cache/variants.ts';
import type { BanCursor } from '../purge/ban-list.ts';
import type { StoredSubject } from '../purge/stored-subject.ts';

/** A response that is stored, all but its body. Freshened or widened, it is another object of the same id. */
export interface StoredAnswer extends Variant, StoredSubject {
  /** What its body is kept under. */
  readonly id: string;
  readonly uri: CacheUri;
  /** What a policy, and what proxies that are believed say, part equal URIs by; empty where nothing does. */
  readonly policyKey: string;
  readonly status: number;
  readonly reason: string;
  readonly fields: Fields;
  /** Those of `fields` that clients are sent. */
  readonly shownFields: Fields;
  /** What it can be purged by. */
  readonly tags: ReadonlySet<string>;
  /** Up to which ban it was tested. */
  checkedUpTo: BanCursor;
  /** `undefined` while a body of unknown length is on its way. */
  readonly held: HeldParts | undefined;
}
