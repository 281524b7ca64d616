import { spanLength } from '../../src/base/byte-range.ts';
import { afterFailure, isOriginError } from '../../src/http-cache/after-failure.ts';
import { type CacheUri, cacheUri } from '../../src/http-cache/cache-uri.ts';
import { isNotModified, notModifiedFields } from '../../src/http-cache/client-condition.ts';
import { validatingFields } from '../../src/http-cache/conditional-request.ts';
import { endToEnd } from '../../src/http-cache/end-to-end.ts';
import type { ResponseHead } from '../../src/http-cache/exchange.ts';
import { type Fields, withField, withoutFields } from '../../src/http-cache/fields.ts';
import { freshened, freshenedBy } from '../../src/http-cache/freshening.ts';
import { headEffect } from '../../src/http-cache/head-effect.ts';
import { outdatedUris } from '../../src/http-cache/invalidation.ts';
import {
  answerByParts,
  canCombine,
  type HeldParts,
  heldPart,
  heldWhole,
  isComplete,
  joined,
} from '../../src/http-cache/parts.ts';
import { type CachePolicy, RFC_POLICY } from '../../src/http-cache/policy.ts';
import { type RequestHead, requestFacts } from '../../src/http-cache/request-facts.ts';
import { reuse, reuseNothing } from '../../src/http-cache/reuse.ts';
import { fieldsToStore, isWholeBody, mayStay, storability } from '../../src/http-cache/storability.ts';
import { currentAge, storedFacts } from '../../src/http-cache/stored-facts.ts';
import { selectVariant, type Variant, variantOf } from '../../src/http-cache/variants.ts';

export interface Asked {
  readonly method?: string;
  /** Path and query. */
  readonly target?: string;
  readonly fields?: Fields;
}

export interface Answer {
  readonly status: number;
  readonly fields: Fields;
  readonly body: string;
}

/** `undefined`: it closed the connection without a word. */
export type Origin = (request: {
  readonly method: string;
  readonly target: string;
  readonly fields: Fields;
}) => Answer | undefined;

interface Entry extends Variant {
  readonly status: number;
  readonly fields: Fields;
  /** Its characters are the bytes, each where it is in the whole. */
  readonly bytes: readonly (string | undefined)[];
  readonly held: HeldParts;
}

/**
 * The rules of `src/http-cache` played against an origin that a test scripts: everything in memory, one request at a
 * time, on a clock that is turned by hand. It shows what the rules mean together, and how they are to be called.
 */
export class ReferenceCache {
  readonly #origin: Origin;
  readonly #policy: CachePolicy;
  readonly #entries = new Map<CacheUri, Entry[]>();
  /** Milliseconds since the epoch. */
  now = Date.UTC(2026, 0, 1);

  constructor(origin: Origin, policy: Partial<CachePolicy> = {}) {
    this.#origin = origin;
    this.#policy = { ...RFC_POLICY, ...policy };
  }

  /** @returns what the client sees, and `detail`: how it came about */
  ask({ method = 'GET', target = '/', fields = [] }: Asked = {}): Answer & { readonly detail: string } {
    const uri = cacheUri('http', 'origin.test', target);
    if (!uri) return { status: 400, fields: [], body: '', detail: 'bad-request' };
    const sent = endToEnd(fields);
    const request: RequestHead = {
      method,
      uri,
      fields: sent,
      facts: requestFacts(method, fields, this.#policy),
    };

    const entry = selectVariant(this.#entries.get(uri) ?? [], sent, this.#policy);
    if (!request.facts.isRead || !entry) return this.#askWithout(request);
    const decision = reuse(entry.facts, request.facts, this.now);
    switch (decision.kind) {
      case 'unavailable':
        return { status: 504, fields: [], body: '', detail: decision.reason };
      case 'fetch':
        return this.#fetch(request, request.fields, [], decision.reason, entry);
      case 'revalidate':
        return this.#validate(request, entry, decision.reason);
      case 'serve-fresh':
        return this.#serve(request, entry, 'hit');
      case 'serve-stale': {
        const answer = this.#serve(request, entry, decision.reason);
        if (decision.refreshes) this.#validate(request, entry, decision.reason);
        return answer;
      }
    }
  }

  #askWithout(request: RequestHead): Answer & { readonly detail: string } {
    if (request.facts.isRead && reuseNothing(request.facts) === 'unavailable')
      return { status: 504, fields: [], body: '', detail: 'only-if-cached' };
    // Of other variants it is asked whether one of them will do. RFC 9111 §4.1. Conditions of the client go first.
    const others = (this.#entries.get(request.uri) ?? []).filter(({ held }) => isComplete(held));
    const isPlain = !request.fields.some((name, at) => at % 2 === 0 && /^(if-.*|range)$/i.test(name));
    if (request.method === 'GET' && isPlain && others.some(({ facts }) => facts.etag !== undefined))
      return this.#fetch(
        request,
        validatingFields(
          request.fields,
          others.map(({ facts }) => facts),
        ),
        others,
        'vary-miss',
      );
    return this.#fetch(request, request.fields, [], 'miss');
  }

  #validate(request: RequestHead, entry: Entry, reason: string): Answer & { readonly detail: string } {
    const fields = isComplete(entry.held) ? validatingFields(request.fields, [entry.facts]) : request.fields;
    return this.#fetch(request, fields, isComplete(entry.held) ? [entry] : [], reason, entry);
  }

  #fetch(
    request: RequestHead,
    sent: Fields,
    asked: readonly Entry[],
    reason: string,
    fallback?: Entry,
  ): Answer & { readonly detail: string } {
    const { method, uri } = request;
    const requestedAt = this.now;
    const answer = this.#origin({ method, target: uri.slice('http://origin.test'.length), fields: sent });
    const failure =
      answer === undefined ? 'unreachable' : isOriginError(answer.status) ? 'error-status' : undefined;
    if (failure && fallback) {
      const verdict = afterFailure(fallback.facts, request.facts, failure, this.now);
      if (verdict.kind === 'serve-stored') return this.#serve(request, fallback, verdict.reason);
    }
    if (!answer) return { status: 504, fields: [], body: '', detail: 'unreachable' };

    const head: ResponseHead = {
      status: answer.status,
      fields: answer.fields,
      requestedAt,
      receivedAt: this.now,
    };
    if (answer.status === 304 && asked.length > 0) {
      const meant = freshenedBy(asked, answer.fields);
      if (meant) return this.#serve(request, this.#freshen(request, meant, head), 'validated');
      return this.#fetch(request, request.fields, [], 'unidentified');
    }
    for (const outdated of outdatedUris(method, uri, answer.status, answer.fields))
      this.#entries.delete(outdated);
    if (method === 'HEAD') this.#heedHead(request, head);
    const stored = this.#store(request, head, answer.body);
    if (stored && asked.length > 0 && request.facts.isRead) return this.#serve(request, stored, reason);
    return { ...answer, fields: endToEnd(answer.fields), detail: reason };
  }

  #freshen(request: RequestHead, entry: Entry, head: ResponseHead): Entry {
    const anew = freshened(entry, head, this.#policy);
    const stays = this.#put(request, anew, entry);
    if (!mayStay(request, anew, this.#policy)) this.#entries.delete(request.uri);
    return stays;
  }

  #heedHead(request: RequestHead, head: ResponseHead): void {
    const entry = selectVariant(this.#entries.get(request.uri) ?? [], request.fields, this.#policy);
    if (!entry) return;
    const effect = headEffect(entry.facts, entry.fields, head);
    if (effect === 'freshen') this.#freshen(request, entry, head);
    else if (effect === 'outdate') this.#entries.delete(request.uri);
  }

  #store(request: RequestHead, head: ResponseHead, body: string): Entry | undefined {
    const verdict = storability(request, head, this.#policy);
    if (verdict.kind === 'refuse' || !isWholeBody(head, body.length, true)) return undefined;
    const fields = fieldsToStore(head, this.#policy);
    const held = verdict.as === 'part' ? heldPart(fields) : heldWhole(body.length);
    if (!held) return undefined;
    const bytes: string[] = [];
    [...body].forEach((character, index) => {
      bytes[index + (held.spans[0]?.first ?? 0)] = character;
    });
    const earlier = selectVariant(this.#entries.get(request.uri) ?? [], request.fields, this.#policy);
    const arrived = storedFacts({ ...head, fields }, this.#policy);
    const both =
      verdict.as === 'part' && earlier && canCombine(earlier.facts, arrived) && joined(earlier.held, held);
    if (!both) return this.#put(request, { ...head, fields }, { held, bytes });
    const together = [...earlier.bytes];
    bytes.forEach((character, index) => {
      together[index] = character;
    });
    return this.#put(request, { ...head, fields }, { held: both, bytes: together });
  }

  #put(request: RequestHead, head: ResponseHead, content: Pick<Entry, 'held' | 'bytes'>): Entry {
    const variant = variantOf(storedFacts(head, this.#policy), request.fields, head.fields, this.#policy);
    const entry: Entry = {
      ...variant,
      status: head.status,
      fields: head.fields,
      held: content.held,
      bytes: content.bytes,
    };
    const others = (this.#entries.get(request.uri) ?? []).filter(
      ({ secondaryKey }) => JSON.stringify(secondaryKey) !== JSON.stringify(variant.secondaryKey),
    );
    this.#entries.set(request.uri, [...others, entry]);
    return entry;
  }

  #serve(request: RequestHead, entry: Entry, detail: string): Answer & { readonly detail: string } {
    const fields = withField(entry.fields, 'Age', String(currentAge(entry.facts, this.now)));
    if (isNotModified(request.fields, entry.facts))
      return { status: 304, fields: notModifiedFields(fields), body: '', detail };
    const isRangeable = request.method === 'GET' && (entry.status === 200 || entry.status === 206);
    const answer = isRangeable
      ? answerByParts(request.fields, entry.facts, entry.held)
      : ({ kind: 'whole' } as const);
    switch (answer.kind) {
      case 'whole':
        return {
          status: entry.status === 206 ? 200 : entry.status,
          fields,
          body: request.method === 'HEAD' ? '' : entry.bytes.join(''),
          detail,
        };
      case 'part': {
        const { span, sizeBytes = '*' } = answer;
        return {
          status: 206,
          fields: [
            ...withoutFields(fields, new Set(['content-range', 'content-length'])),
            'Content-Range',
            `bytes ${span.first}-${span.last}/${sizeBytes}`,
            'Content-Length',
            String(spanLength(span)),
          ],
          body: entry.bytes.slice(span.first, span.last + 1).join(''),
          detail,
        };
      }
      case 'unsatisfiable':
        return { status: 416, fields: ['Content-Range', `bytes */${answer.sizeBytes}`], body: '', detail };
      case 'missing':
        return this.#complete(request, entry, answer.fields);
    }
  }

  /** The rest of a part; where it does not belong to it, the whole is asked for. */
  #complete(request: RequestHead, entry: Entry, rest: Fields): Answer & { readonly detail: string } {
    const answer = this.#fetch(request, [...request.fields, ...rest], [], 'partial');
    if (rest.length === 0 || answer.status !== 206) return answer;
    const now = selectVariant(this.#entries.get(request.uri) ?? [], request.fields, this.#policy);
    if (now && now !== entry && isComplete(now.held)) return this.#serve(request, now, 'partial');
    return this.#fetch(request, request.fields, [], 'partial');
  }
}
