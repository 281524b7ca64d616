import type { Eviction } from '../../../cache/eviction/eviction.ts';
import type { CacheUri } from '../../../http-cache/cache-uri.ts';
import type { Fields } from '../../../http-cache/fields.ts';
import type { CachePolicy } from '../../../http-cache/policy.ts';
import { selectVariant } from '../../../http-cache/variants.ts';
import { TagIndex, tagBytes } from '../purge/tag-index.ts';
import type { StoredAnswer } from './stored-answer.ts';

export interface AnswerIndexOptions {
  readonly policy: CachePolicy;
  readonly maxEntries: number;
  /** Of heads: URIs and fields, with what it costs to hold them. */
  readonly maxHeadBytes: number;
  /** For this index alone. Its keys are ids. */
  readonly eviction: Eviction;
  /** Told of all that goes, but for what takes its place under its id. */
  readonly onRemoved: (answer: StoredAnswer) => void;
}

/** Responses of one URI; of more, the oldest goes: an origin that varies on everything must not slow down every request. */
const MOST_VARIANTS = 64;
const HEAD_OVERHEAD_BYTES = 1024;

/** Which responses are stored, by URI: their heads, in memory, wherever their bodies are. */
export class AnswerIndex {
  readonly #options: AnswerIndexOptions;
  readonly #byUri = new Map<CacheUri, readonly StoredAnswer[]>();
  readonly #byId = new Map<string, StoredAnswer>();
  readonly #tags = new TagIndex<StoredAnswer>();
  #headBytes = 0;
  #evictions = 0;

  constructor(options: AnswerIndexOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byId.size;
  }

  get headBytes(): number {
    return this.#headBytes;
  }

  /** How many went to make room. */
  get evictions(): number {
    return this.#evictions;
  }

  /** The response that answers a request. @param request the fields that the origin would see */
  select(uri: CacheUri, policyKey: string, request: Fields): StoredAnswer | undefined {
    const own = ofPolicyKey(this.#byUri.get(uri), policyKey);
    const found = own && selectVariant(own, request, this.#options.policy);
    if (found) this.#options.eviction.touch(found.id);
    return found;
  }

  variants(uri: CacheUri, policyKey: string): readonly StoredAnswer[] {
    return ofPolicyKey(this.#byUri.get(uri), policyKey) ?? NONE;
  }

  /** All of a URI, whatever a policy parts them by. */
  ofUri(uri: CacheUri): readonly StoredAnswer[] {
    return this.#byUri.get(uri) ?? NONE;
  }

  get(id: string): StoredAnswer | undefined {
    return this.#byId.get(id);
  }

  all(): IterableIterator<StoredAnswer> {
    return this.#byId.values();
  }

  /** Those that have any of the tags. */
  tagged(tags: readonly string[]): readonly StoredAnswer[] {
    return [...new Set(tags.flatMap((tag) => [...this.#tags.with(tag)]))];
  }

  /** Takes a response in, in place of the one under its id and of those that answer the same requests. */
  put(answer: StoredAnswer): void {
    const { maxEntries, maxHeadBytes, eviction } = this.#options;
    const secondary = JSON.stringify(answer.secondaryKey);
    for (const other of this.variants(answer.uri, answer.policyKey))
      if (other.id !== answer.id && JSON.stringify(other.secondaryKey) === secondary) this.remove(other);
    const earlier = this.#byId.get(answer.id);
    if (earlier) this.#drop(earlier);
    const variants = this.#byUri.get(answer.uri) ?? NONE;
    const [oldest] = variants;
    if (oldest && variants.length >= MOST_VARIANTS) this.remove(oldest);
    this.#byUri.set(answer.uri, [...this.ofUri(answer.uri), answer]);
    this.#byId.set(answer.id, answer);
    this.#tags.add(answer, answer.tags);
    this.#headBytes += headBytes(answer);
    if (earlier) eviction.touch(answer.id);
    else eviction.admit(answer.id);
    while (this.#byId.size > maxEntries || this.#headBytes > maxHeadBytes) if (!this.#evictOne()) return;
  }

  /** Whether it was this very one that was there. */
  remove(answer: StoredAnswer): boolean {
    if (this.#byId.get(answer.id) !== answer) return false;
    this.#drop(answer);
    this.#options.eviction.forget(answer.id);
    this.#options.onRemoved(answer);
    return true;
  }

  #drop(answer: StoredAnswer): void {
    this.#byId.delete(answer.id);
    this.#tags.remove(answer, answer.tags);
    this.#headBytes -= headBytes(answer);
    const rest = this.ofUri(answer.uri).filter((other) => other !== answer);
    if (rest.length === 0) this.#byUri.delete(answer.uri);
    else this.#byUri.set(answer.uri, rest);
  }

  #evictOne(): boolean {
    const id = this.#options.eviction.evict();
    const answer = id === undefined ? undefined : this.#byId.get(id);
    if (answer && this.remove(answer)) this.#evictions++;
    return id !== undefined;
  }
}

const NONE: readonly StoredAnswer[] = [];

/** Nearly always there is one, and no policy. */
function ofPolicyKey(
  variants: readonly StoredAnswer[] | undefined,
  policyKey: string,
): readonly StoredAnswer[] | undefined {
  if (variants === undefined || variants.every((one) => one.policyKey === policyKey)) return variants;
  return variants.filter((one) => one.policyKey === policyKey);
}

function headBytes({ uri, fields, tags, secondaryKey }: StoredAnswer): number {
  let length = HEAD_OVERHEAD_BYTES + uri.length + tagBytes(tags);
  for (const text of fields) length += text.length;
  for (const text of secondaryKey) length += text?.length ?? 0; // of requests, so as long as clients like
  return length;
}
