import type { FastifyRequest } from 'fastify';
import type { Access } from '../../auth/access.ts';
import type { Authenticator } from '../../auth/authenticator.ts';
import type { RateLimits } from '../../auth/limits/rate-limits.ts';
import type { Clock } from '../../base/clock.ts';
import { S3Fifo } from '../../cache/eviction/s3-fifo.ts';
import { MemoryTier } from '../../cache/memory-tier.ts';
import { AnswerHead } from '../../http/answer-head.ts';
import type { FastAnswer } from '../../http/fast-path.ts';
import type { SimpleRequest } from '../../http/simple-request.ts';
import type { ObjectKey } from '../../storage/object-key.ts';
import type { ObjectFacts } from '../../storage/store.ts';
import type { BuildCacheMetrics } from './metrics.ts';
import { scopedKey } from './scoped-key.ts';

export interface HotAnswersOptions {
  readonly maxBytes: number;
  /** For how long an answer is given again, in milliseconds: what was removed elsewhere is still served until then. */
  readonly ttlMs: number;
  /** Asks the storage itself. */
  readonly lookUp: (key: ObjectKey) => Promise<ObjectFacts | undefined>;
  readonly authenticator: Authenticator;
  readonly limits: RateLimits;
  readonly metrics: BuildCacheMetrics;
  readonly clock: Clock;
}

/** An answer with which a protocol sent an entry, whole and as it is. */
export interface SentEntry {
  readonly name: string;
  readonly protocol: string;
  readonly etag: string;
  /** All fields, flat. */
  readonly headers: readonly string[];
  /** `undefined`: it was asked for with HEAD. */
  readonly bytes: Uint8Array | undefined;
  /** What `HotAnswers.changes` was before it was looked up. */
  readonly asOf: number;
}

/** What an address stands for; it is the same for everybody, and only whether they may see it differs. */
interface Place {
  readonly name: string;
  readonly protocol: string;
  /** That the address names. */
  readonly tenant: string | undefined;
  readonly route: string;
  /** The protocol answers HEAD there. */
  readonly takesHead: boolean;
}

interface Hot {
  readonly head: AnswerHead;
  readonly body: Uint8Array | undefined;
  readonly etag: string;
  /** When the storage was last asked, or is being asked, whether it still holds the same. */
  checkedAt: number;
}

/** Beyond this many addresses all are forgotten, and known again when they are asked for. */
const MAX_PLACES = 20_000;
/** Build tools' addresses are shorter; a query may hold whatever somebody wants to be remembered. */
const MAX_TARGET_LENGTH = 1024;
/** Whoever looks an entry up while more than this many change has not seen which: what they found is not kept. */
const MAX_CHANGES = 1000;

/**
 * Remembers entries that are asked for again and again, and answers for them without a look at the storage. Every
 * request's token is looked at, and told of is only what lies in the first scope that it reads: nothing could come before
 * it. What this server removes or replaces is forgotten at once. What is asked for goes on being answered: half-way
 * through its time the storage is asked whether it still holds the same.
 */
export class HotAnswers {
  readonly #options: HotAnswersOptions;
  readonly #tier: MemoryTier<Hot>;
  readonly #places = new Map<string, Place>();
  /** What was asked for once, and perhaps never again. */
  #once = new Set<string>();
  /** The keys that changed last, oldest first, and when that was, in `#changes`. */
  readonly #changed = new Map<ObjectKey, number>();
  #changes = 0;

  constructor(options: HotAnswersOptions) {
    this.#options = options;
    this.#tier = new MemoryTier({ ...options, eviction: new S3Fifo() });
  }

  /** Rises with each entry that is removed or replaced. */
  get changes(): number {
    return this.#changes;
  }

  /** Looks at an answer that was given, and keeps it where it is the second of its kind. */
  sent(request: FastifyRequest, access: Access, entry: SentEntry): void {
    const { name, protocol, etag, bytes, asOf } = entry;
    if (request.url.length > MAX_TARGET_LENGTH) return;
    const [scope, ...more] = access.readScopes;
    // Whoever reads several scopes may have been sent what lies in a later one; they are told what others have warmed.
    if (scope === undefined || more.length > 0 || !this.#tier.takes(bytes?.length ?? 0)) return;
    const key = scopedKey(access.tenant, scope, name);
    if (this.#hasChanged(key, asOf)) return;
    if (!bytes && this.#tier.get(key)) return;
    if (!this.#isAgain(`${bytes ? 'GET' : 'HEAD'} ${key}`)) return;

    const head = new AnswerHead(entry.headers);
    // A copy: what was read may be a part of something larger, all of which would stay.
    const body = bytes && new Uint8Array(bytes);
    const hot = { head, body, etag, checkedAt: this.#options.clock.elapsed() };
    this.#tier.set(key, hot, head.length + etag.length + (body?.length ?? 0));
    if (this.#places.size >= MAX_PLACES) this.#places.clear();
    const { tenant } = request.params as { readonly tenant?: string };
    const { url: route = '', method: methods } = request.routeOptions;
    const takesHead = [methods].flat().includes('HEAD');
    this.#places.set(request.url, { name, protocol, tenant, route, takesHead });
  }

  /** What is known by heart for this request and its token. */
  answer({ method, target, authorization }: SimpleRequest, connection?: object): FastAnswer | undefined {
    const place = this.#places.get(target);
    if (!place || (method === 'HEAD' && !place.takesHead)) return undefined;
    const { authenticator, limits, metrics, clock, ttlMs } = this.#options;
    const access = authenticator.known(authorization, connection);
    if (!access?.rights.has('cache')) return undefined;
    const { name, protocol, tenant, route } = place;
    const [scope] = access.readScopes;
    if (scope === undefined || (tenant !== undefined && tenant !== access.tenant)) return undefined;
    const key = scopedKey(access.tenant, scope, name);
    const hot = this.#tier.get(key);
    if (!hot || (!hot.body && method === 'GET')) return undefined;
    if (clock.elapsed() - hot.checkedAt >= ttlMs / 2) void this.#check(key, hot);
    if (!limits.letPass(access)) return undefined; // it is refused, and told so, where all others are
    const body = method === 'GET' ? hot.body : undefined;
    if (body) {
      metrics.hits.inc({ protocol });
      metrics.bytes.inc({ protocol, direction: 'read', route: 'proxied' }, body.length);
      limits.tokenCharge(access, 'bytes')?.(body.length);
    }
    const lend = () => this.#tier.lend(key, hot, 0);
    return { head: hot.head, body: body ?? NOTHING, lend, route, tokenId: access.id };
  }

  /** Of what is being looked up now, too. */
  forget(key: ObjectKey): void {
    this.#tier.delete(key);
    this.#changed.delete(key);
    this.#changed.set(key, ++this.#changes);
    if (this.#changed.size <= MAX_CHANGES) return;
    const [oldest] = this.#changed.keys();
    if (oldest !== undefined) this.#changed.delete(oldest);
  }

  /** A storage in trouble says nothing: then the time runs out. */
  async #check(key: ObjectKey, hot: Hot): Promise<void> {
    const startedAt = this.#options.clock.elapsed();
    hot.checkedAt = startedAt;
    const asOf = this.#changes;
    try {
      const facts = await this.#options.lookUp(key);
      if (facts?.etag === hot.etag && !this.#hasChanged(key, asOf)) this.#tier.renew(key, hot, startedAt);
      else this.#tier.delete(key);
    } catch {}
  }

  #hasChanged(key: ObjectKey, since: number): boolean {
    const changed = this.#changed.get(key);
    return changed === undefined ? this.#changes - since >= MAX_CHANGES : changed > since;
  }

  #isAgain(request: string): boolean {
    if (this.#once.delete(request)) return true;
    if (this.#once.size >= MAX_PLACES) this.#once = new Set();
    this.#once.add(request);
    return false;
  }
}

const NOTHING = new Uint8Array();
