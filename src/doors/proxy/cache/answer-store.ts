import type { CacheUri } from '../../../http-cache/cache-uri.ts';
import type { ResponseHead } from '../../../http-cache/exchange.ts';
import { type Fields, fieldValue } from '../../../http-cache/fields.ts';
import { freshened } from '../../../http-cache/freshening.ts';
import {
  canCombine,
  type HeldParts,
  heldBytes,
  heldPart,
  heldWhole,
  joined,
} from '../../../http-cache/parts.ts';
import type { CachePolicy } from '../../../http-cache/policy.ts';
import type { RequestHead } from '../../../http-cache/request-facts.ts';
import { fieldsToStore, mayStay } from '../../../http-cache/storability.ts';
import { type StoredFacts, storedFacts } from '../../../http-cache/stored-facts.ts';
import { variantOf } from '../../../http-cache/variants.ts';
import type { OriginResponse } from '../origin/origin-client.ts';
import type { BanCursor, BanList } from '../purge/ban-list.ts';
import type { AnswerBodies, OpenBody } from './answer-bodies.ts';
import type { AnswerIndex } from './answer-index.ts';
import { type AnswerMeta, answerOf, type LifetimeOverrides, type Standing } from './answer-meta.ts';
import { spliced } from './spliced.ts';
import type { StoredAnswer } from './stored-answer.ts';

/** A response of an origin that is to be stored. */
export interface NewAnswer extends ResponseHead {
  readonly reason: string;
  /** Of its body. */
  readonly source: Pick<OriginResponse, 'body' | 'bytes'>;
  readonly as: 'whole' | 'part';
  readonly policyKey: string;
  readonly overrides?: LifetimeOverrides | undefined;
  /** The newest ban when its request went to the origin. */
  readonly checkedUpTo: BanCursor;
  /** Whether it was purged while it was on its way. */
  readonly isPurged: () => boolean;
}

/** What freshens a stored response, and what was known when it was asked for. */
export interface Freshening extends ResponseHead, Pick<NewAnswer, 'overrides' | 'checkedUpTo' | 'isPurged'> {}

export interface TakenAnswer {
  readonly stored: StoredAnswer;
  /** Open already. */
  readonly body: OpenBody;
  /** `false`: others cannot have it, as it is too large, or there is no room. */
  readonly isKept: boolean;
}

export interface AnswerStoreOptions {
  readonly index: AnswerIndex;
  readonly bodies: AnswerBodies;
  readonly policy: CachePolicy;
  readonly bans: BanList;
  /** Begins ids that nobody has had before, in an earlier process neither. */
  readonly idPrefix: string;
}

/** Parts are put together in memory. */
export const MOST_COMBINED_BYTES = 16 * 1024 * 1024;

/** Of more, only the last that came is kept: what is held in crumbs costs more than it saves. */
const MOST_SPANS = 64;

/** Responses that are stored, heads and bodies together. */
export class AnswerStore {
  readonly index: AnswerIndex;
  readonly bodies: AnswerBodies;
  readonly #options: AnswerStoreOptions;
  readonly #joining = new Map<CacheUri, Promise<void>>();
  #lastId = 0;

  constructor(options: AnswerStoreOptions) {
    this.#options = options;
    this.index = options.index;
    this.bodies = options.bodies;
  }

  /** What a disk tier has kept from before. @param meta of a body that is there, with its key there */
  admit(id: string, meta: AnswerMeta, bodyBytes: number): void {
    const { policy, bans } = this.#options;
    const answer = answerOf(
      meta,
      { id, bodyBytes, checkedUpTo: bans.newest },
      storedFacts(meta, policy),
      policy,
    );
    if (answer.held && heldBytes(answer.held) === bodyBytes) this.index.put(answer);
    else this.bodies.forget(id);
  }

  /** The response that answers a request. @param request the fields that the origin would see */
  select(uri: CacheUri, policyKey: string, request: Fields): StoredAnswer | undefined {
    const { bans } = this.#options;
    for (;;) {
      const stored = this.index.select(uri, policyKey, request);
      if (!stored || stored.checkedUpTo === bans.newest) return stored;
      if (!bans.isBanned(stored, stored.checkedUpTo)) {
        stored.checkedUpTo = bans.newest;
        return stored;
      }
      this.index.remove(stored);
    }
  }

  /**
   * Takes a response in. A whole one answers others at once, while it comes; a part when it has come. Where it does not
   * come whole, or finds no room, it is gone again.
   * @returns it, with its body, for the one who asked
   */
  async take(request: RequestHead, fresh: NewAnswer): Promise<TakenAnswer> {
    const { policy, idPrefix } = this.#options;
    const { meta, facts } = this.#metaOf(request, fresh, fieldsToStore(fresh, policy));
    const id = `${idPrefix}${++this.#lastId}`;
    const { source, checkedUpTo } = fresh;
    const { bytes } = source;
    const announced = fieldValue(fresh.fields, 'content-length');
    const sizeBytes = bytes?.length ?? (announced === undefined ? undefined : Number(announced));
    const standing = { id, bodyBytes: sizeBytes, checkedUpTo };
    const answer = answerOf(meta, standing, facts, policy);
    if (fresh.as === 'part') {
      const part = await this.#takePart(request, meta, fresh, standing);
      return { stored: answer, body: part, isKept: true };
    }
    const whole = bytes && this.bodies.add(id, bytes, meta);
    if (whole) {
      this.index.put(answer);
      return { stored: answer, body: whole, isKept: true };
    }
    let isGone = false;
    const body = await this.bodies.take(id, source.body, sizeBytes, meta, (keptBytes) => {
      const now = this.index.get(id);
      if (keptBytes === undefined) {
        isGone = true;
        if (now) this.index.remove(now);
      } else if (now && now.held === undefined) this.index.put({ ...now, held: heldWhole(keptBytes) });
    });
    if (!isGone) this.index.put(answer);
    return { stored: answer, body, isKept: !isGone };
  }

  /** A stored response with what a 304, or a HEAD, says anew; gone, where that says so. */
  freshen(request: RequestHead, stored: StoredAnswer, update: Freshening): StoredAnswer {
    const { policy } = this.#options;
    const head = freshened(stored, update, policy);
    const { id, reason, policyKey } = stored;
    const now = this.index.get(id); // somebody else may have freshened it meanwhile: its bytes are the same
    const { held } = now ?? stored;
    const { overrides, checkedUpTo } = update;
    const { meta, facts } = this.#metaOf(request, { ...head, reason, policyKey, overrides }, head.fields);
    const anew = answerOf({ ...meta, held }, { id, bodyBytes: undefined, checkedUpTo }, facts, policy);
    if (!now || update.isPurged()) return anew; // what a soft purge made stale stays so
    if (mayStay(request, head, policy)) this.index.put(anew);
    else this.index.remove(now);
    return anew;
  }

  /** When the parts of a URI that have come are put together. */
  settled(uri: CacheUri): Promise<void> {
    return this.#joining.get(uri) ?? Promise.resolve();
  }

  /** All that is stored of a URI goes. @returns how many */
  outdate(uri: CacheUri): number {
    const all = this.index.ofUri(uri);
    for (const answer of all) this.index.remove(answer);
    return all.length;
  }

  #metaOf(
    request: RequestHead,
    {
      status,
      reason,
      policyKey,
      requestedAt,
      receivedAt,
      overrides,
    }: Omit<NewAnswer, 'source' | 'as' | 'checkedUpTo' | 'isPurged'>,
    fields: Fields,
  ): { readonly meta: AnswerMeta; readonly facts: StoredFacts } {
    const { policy } = this.#options;
    const head = { status, fields, requestedAt, receivedAt };
    const facts = storedFacts(head, policy);
    const { secondaryKey, language } = variantOf(facts, request.fields, fields, policy);
    const { uri } = request;
    const meta = {
      uri,
      policyKey,
      status,
      reason,
      fields,
      requestedAt,
      receivedAt,
      secondaryKey,
      language,
      overrides,
    };
    return { meta, facts };
  }

  async #takePart(
    request: RequestHead,
    meta: AnswerMeta,
    { source, isPurged }: NewAnswer,
    standing: Standing,
  ): Promise<OpenBody> {
    const { id } = standing;
    const held = heldPart(meta.fields);
    return this.bodies.take(id, source.body, standing.bodyBytes, meta, (keptBytes) => {
      if (held && keptBytes === heldBytes(held) && !isPurged())
        this.#join(request.uri, () => this.#addPart(request, { ...meta, held }, standing));
      else this.bodies.forget(id);
    });
  }

  #join(uri: CacheUri, add: () => Promise<void>): void {
    const joining = this.settled(uri)
      .then(add)
      .catch(() => {}) // what is not joined is asked for again
      .finally(() => {
        if (this.#joining.get(uri) === joining) this.#joining.delete(uri);
      });
    this.#joining.set(uri, joining);
  }

  /** Beside what is held of the same bytes, or instead of it. */
  async #addPart(
    request: RequestHead,
    meta: AnswerMeta & { held: HeldParts },
    standing: Standing,
  ): Promise<void> {
    const { id } = standing;
    const part = answerOf(meta, standing, storedFacts(meta, this.#options.policy), this.#options.policy);
    const earlier = this.select(request.uri, meta.policyKey, request.fields);
    const both =
      earlier?.held && canCombine(earlier.facts, part.facts) ? joined(earlier.held, meta.held) : undefined;
    if (!both || !earlier || both.spans.length > MOST_SPANS) return this.index.put(part);
    const bytes = await spliced(this.bodies, [earlier, part], both, MOST_COMBINED_BYTES);
    if (!bytes || this.index.get(earlier.id) !== earlier) return this.bodies.forget(id);
    await this.bodies.fill(id, bytes, { ...meta, held: both });
    this.index.put({ ...part, held: both });
  }
}
