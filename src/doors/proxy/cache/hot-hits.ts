import type { Socket } from 'node:net';
import type { Clock } from '../../../base/clock.ts';
import { remembered } from '../../../base/remembered.ts';
import { AnswerHead } from '../../../http/answer-head.ts';
import type { FastAnswer } from '../../../http/fast-path.ts';
import { HARMLESS, type SimpleRequest } from '../../../http/simple-request.ts';
import type { TrustedProxies } from '../../../http/trusted-proxies.ts';
import { formatCacheStatus } from '../../../http-cache/cache-status.ts';
import { type CacheUri, cacheUri } from '../../../http-cache/cache-uri.ts';
import { type Fields, fieldValue, hasField, withoutFields } from '../../../http-cache/fields.ts';
import { isComplete } from '../../../http-cache/parts.ts';
import type { CachePolicy } from '../../../http-cache/policy.ts';
import { type RequestFacts, requestFacts } from '../../../http-cache/request-facts.ts';
import { reuse } from '../../../http-cache/reuse.ts';
import { currentAge, timeToLive } from '../../../http-cache/stored-facts.ts';
import { forwardedFor } from '../origin/forwarded-for.ts';
import { parseTarget } from '../origin/request-target.ts';
import { editedFields } from '../policy/edited-fields.ts';
import type { Policy, PolicyRequest } from '../policy/policy.ts';
import type { AnswerStore } from './answer-store.ts';
import { mayPart, partedByProxies } from './said-by-proxies.ts';
import type { StoredAnswer } from './stored-answer.ts';

export interface HotHitsOptions {
  readonly store: AnswerStore;
  readonly clock: Clock;
  /** Our name in Cache-Status. */
  readonly name: string;
  /** Our name in Via. */
  readonly via: string;
  readonly scheme: 'http' | 'https';
  readonly rules: Pick<CachePolicy, 'heedsRequestDirectives'>;
  readonly trusted: TrustedProxies;
  readonly policy?: Policy | undefined;
}

/**
 * Fields that go on to the origin as they are, so that what varies on them can be told from the request itself; and that ask
 * nothing of a cache.
 */
const SENT_AS_THEY_ARE: ReadonlySet<string> = new Set([
  ...HARMLESS,
  'cookie',
  'dnt',
  'origin',
  'priority',
  'referer',
  'sec-ch-ua',
  'sec-ch-ua-mobile',
  'sec-ch-ua-platform',
  'sec-fetch-dest',
  'sec-fetch-site',
  'sec-fetch-user',
  'traceparent',
  'tracestate',
  'upgrade-insecure-requests',
  'x-amzn-trace-id',
]);

/** By which proxies say for whom they ask. */
const OF_PROXIES: ReadonlySet<string> = new Set([
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
]);

/** What a request for a hit may have. */
export const HARMLESS_TO_HITS: ReadonlySet<string> = new Set([...SENT_AS_THEY_ARE, ...OF_PROXIES]);

/** A read that asks nothing of a cache. */
const PLAIN: RequestFacts = { isRead: true, directives: undefined, isForOrigin: false };

/** The head of a hit, as long as its age is the same. */
interface AgedHead {
  readonly age: number;
  readonly fields: Fields;
  readonly head: AnswerHead;
}

/** What is looked up for a request. */
interface Sought {
  readonly uri: CacheUri;
  readonly policyKey: string;
  readonly fields: Fields;
  readonly facts: RequestFacts;
  /** For the policy, where there is one that is asked. */
  readonly asked: PolicyRequest | undefined;
}

/**
 * Answers before Node's parser for what is fresh and in memory. Whatever there is a doubt about is nobody's here, and
 * a policy that wants anything but a hit is asked again where all others are.
 */
export class HotHits {
  readonly #options: HotHitsOptions;
  /** What URIs of a host begin with; empty where it is none. */
  readonly #originOf: (host: string) => string;
  readonly #heads = new WeakMap<StoredAnswer, AgedHead>();

  constructor(options: HotHitsOptions) {
    this.#options = options;
    this.#originOf = remembered((host) => originOf(options.scheme, host));
  }

  /** @param address of the other end of the connection */
  answer(request: SimpleRequest, address: string): FastAnswer | undefined {
    if (request.authorization !== undefined) return undefined;
    const origin = this.#originOf(request.host);
    if (origin === '') return undefined;
    try {
      const client = this.#clientOf(request, address);
      const sought = this.#sought(request, client, address, origin);
      return sought && this.#find(sought, client);
    } catch {
      return undefined; // a policy that failed closed is told of where all others are
    }
  }

  #clientOf({ fields }: SimpleRequest, address: string): string {
    const forwarded = fieldValue(fields, 'x-forwarded-for');
    if (forwarded === undefined) return address;
    const socket = { remoteAddress: address } as Socket;
    return this.#options.trusted.clientOf({ socket, headers: { 'x-forwarded-for': forwarded } });
  }

  /** As for a request that goes to the origin. @param fields as a policy has made them */
  #parted(policyKey: string, fields: Fields, address: string, origin: string): string {
    if (!mayPart(fields)) return policyKey;
    const { trusted, scheme } = this.#options;
    const host = hostOf(origin);
    const outgoing = forwardedFor(fields, host, { remoteAddress: address } as Socket, trusted);
    return partedByProxies(policyKey, outgoing, host, scheme);
  }

  #sought(request: SimpleRequest, client: string, address: string, origin: string): Sought | undefined {
    const { policy, rules } = this.#options;
    const { method, target, fields } = request;
    if (!policy || !ASKED_FOR_HITS.some((hook) => policy.hooks(hook))) {
      const policyKey = this.#parted('', fields, address, origin);
      return { uri: `${origin}${target}` as CacheUri, policyKey, fields, facts: PLAIN, asked: undefined };
    }
    const host = hostOf(origin);
    const asked: PolicyRequest = { method, host, url: target, fields, client };
    const decision = policy.hooks('vcl_recv') ? policy.askNow('vcl_recv', { request: asked }) : undefined;
    const soughtAs = (url: string, as: PolicyRequest, facts: RequestFacts): Sought => {
      const key = policy.hooks('vcl_hash') ? policy.askNow('vcl_hash', { request: as })?.key : undefined;
      const policyKey = this.#parted(key ?? '', as.fields, address, origin);
      return { uri: `${origin}${url}` as CacheUri, policyKey, fields: as.fields, facts, asked: as };
    };
    if (!decision) return soughtAs(target, asked, PLAIN);
    if (decision.action !== 'hash') return undefined;
    const edited = editedFields(fields, decision.edits);
    const facts = edited === fields ? PLAIN : requestFacts(method, edited, rules);
    const url = decision.url === undefined ? target : parseTarget('GET', decision.url, [host]).target;
    return soughtAs(url, { ...asked, url, fields: edited }, facts);
  }

  #find({ uri, policyKey, fields, facts, asked }: Sought, client: string): FastAnswer | undefined {
    const { store, clock, policy } = this.#options;
    const stored = store.select(uri, policyKey, fields);
    if (stored?.status !== 200 || !isPlainlyVaried(stored)) return undefined;
    const now = clock.now();
    if (reuse(stored.facts, facts, now).kind !== 'serve-fresh') return undefined;
    if (!stored.held || !isComplete(stored.held)) return undefined;
    const body = store.bodies.hot(stored.id);
    const aged = body && this.#headOf(stored, now);
    if (!body || !aged) return undefined;
    const head = policy && asked ? bentHead(policy, asked, stored, aged, now) : aged.head;
    if (!head) return undefined;
    const lend = () => store.bodies.lend(stored.id);
    return { head, hasDate: true, body, lend, route: 'proxy', tokenId: undefined, client };
  }

  #headOf(stored: StoredAnswer, now: number): AgedHead | undefined {
    const age = currentAge(stored.facts, now);
    const known = this.#heads.get(stored);
    if (known?.age === age) return known;
    if (hasField(stored.fields, 'x-request-id')) return undefined; // it would be there twice
    const { name, via } = this.#options;
    const status = formatCacheStatus(name, { kind: 'hit', ttl: timeToLive(stored.facts, now) });
    const said = ['Via', `1.1 ${via}`, 'X-Cache', 'HIT', 'Cache-Status', status];
    const fields = [...sized(stored), 'Age', String(age), ...said];
    const aged = { age, fields, head: new AnswerHead(fields) };
    this.#heads.set(stored, aged);
    return aged;
  }
}

const ASKED_FOR_HITS = ['vcl_recv', 'vcl_hash', 'vcl_hit', 'vcl_deliver'] as const;

/** The head as a policy wants it; `undefined`: it wants something else. */
function bentHead(
  policy: Policy,
  request: PolicyRequest,
  stored: StoredAnswer,
  { age, fields, head }: AgedHead,
  now: number,
): AnswerHead | undefined {
  if (policy.hooks('vcl_hit')) {
    const question = { request, response: stored, age, ttl: timeToLive(stored.facts, now) };
    const decision = policy.askNow('vcl_hit', question);
    if (decision && decision.action !== 'deliver') return undefined;
  }
  if (!policy.hooks('vcl_deliver')) return head;
  const decision = policy.askNow('vcl_deliver', { request, response: { status: 200, fields }, hit: true });
  if (!decision) return head;
  if ((decision.status ?? 200) !== 200) return undefined;
  const edited = editedFields(fields, decision.edits);
  return edited === fields ? head : new AnswerHead(edited);
}

/** By fields alone that are here as the origin would see them. */
function isPlainlyVaried({ facts: { vary } }: StoredAnswer): boolean {
  return vary.length === 0 || (vary !== 'everything' && vary.every((name) => SENT_AS_THEY_ARE.has(name)));
}

function hostOf(origin: string): string {
  return origin.slice(origin.indexOf('://') + 3);
}

/** As stored, with the length that a body of chunks turned out to have. */
function sized({ shownFields: fields, held }: StoredAnswer): Fields {
  return hasField(fields, 'content-length')
    ? withoutFields(fields, AGE)
    : [...withoutFields(fields, AGE), 'Content-Length', String(held?.sizeBytes)];
}

const AGE: ReadonlySet<string> = new Set(['age']);

/** As `admitRequest` reads a Host; empty where it refuses it. */
function originOf(scheme: 'http' | 'https', host: string): string {
  try {
    return cacheUri(scheme, parseTarget('GET', '/', [host]).host, '/')?.slice(0, -1) ?? '';
  } catch {
    return '';
  }
}
