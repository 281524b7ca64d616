import type { Clock } from '../../../base/clock.ts';
import type { ResponseInterceptor } from '../../../http/response-interceptor.ts';
import { afterFailure, isOriginError, type OriginFailure } from '../../../http-cache/after-failure.ts';
import { validatingFields } from '../../../http-cache/conditional-request.ts';
import type { ResponseHead } from '../../../http-cache/exchange.ts';
import type { Fields } from '../../../http-cache/fields.ts';
import { freshenedBy } from '../../../http-cache/freshening.ts';
import { headEffect } from '../../../http-cache/head-effect.ts';
import { outdatedUris } from '../../../http-cache/invalidation.ts';
import { isComplete } from '../../../http-cache/parts.ts';
import type { CachePolicy } from '../../../http-cache/policy.ts';
import type { RequestHead } from '../../../http-cache/request-facts.ts';
import { type NotStored, type Storability, storability } from '../../../http-cache/storability.ts';
import { storedFacts, timeToLive } from '../../../http-cache/stored-facts.ts';
import type { OriginClient, OriginHooks, OriginRequest, OriginResponse } from '../origin/origin-client.ts';
import { editedFields } from '../policy/edited-fields.ts';
import type { PolicyDecisions, Synthetic } from '../policy/policy.ts';
import { surrogateKeys } from '../purge/surrogate-keys.ts';
import type { OpenBody } from './answer-bodies.ts';
import type { AnswerStore } from './answer-store.ts';
import type { PolicySteps } from './policy-steps.ts';
import type { StoredAnswer } from './stored-answer.ts';
import type { Sent, StoredPurges } from './stored-purges.ts';

/** What is asked of an origin for the cache. */
export interface OriginQuestion {
  readonly request: RequestHead;
  readonly policyKey: string;
  readonly client: OriginClient;
  /** As the client of the cache would have it sent, conditions and all. */
  readonly outgoing: OriginRequest;
  /** For policies: the host that was asked for, and the address of who asked. */
  readonly host: string;
  readonly clientAddress: string;
  /** Whose validators go with it instead of the client's conditions; the best match first. */
  readonly asked: readonly StoredAnswer[];
  /** Added to the fields; a Range for what is missing. */
  readonly extra?: Fields | undefined;
  /** What may be sent where the origin fails. */
  readonly fallback?: StoredAnswer | undefined;
  /** `false`: nothing of the answer is stored. */
  readonly mayStore: boolean;
  readonly sent: Sent;
  readonly hooks: OriginHooks;
}

/** Why an answer was passed on and not kept. */
export type NotKept = NotStored | 'intercepted' | 'pass' | 'policy' | 'purged' | 'surrogate-keys';

export type OriginReply =
  /** Stored as it comes; its body is the reader's. */
  | {
      readonly kind: 'stored';
      readonly answer: OriginResponse;
      readonly stored: StoredAnswer;
      readonly body: OpenBody;
      /** `false`: others cannot have it, as it is too large, or there is no room. */
      readonly isKept: boolean;
    }
  /** Not stored; its body has to be read or destroyed. */
  | { readonly kind: 'relay'; readonly answer: OriginResponse; readonly reason: NotKept }
  /** An interceptor answers in its place, and reads its body. */
  | {
      readonly kind: 'intercepted';
      readonly answer: OriginResponse;
      readonly interceptor: ResponseInterceptor;
    }
  | { readonly kind: 'validated'; readonly stored: StoredAnswer }
  | { readonly kind: 'fallback'; readonly stored: StoredAnswer; readonly reason: OriginFailure }
  | { readonly kind: 'synthetic'; readonly synthetic: Synthetic };

export interface AskOriginOptions {
  readonly store: AnswerStore;
  readonly purges: StoredPurges;
  readonly policy: CachePolicy;
  readonly steps: PolicySteps;
  /** Asked of each response, in this order, before it is kept or sent. */
  readonly interceptors: readonly ResponseInterceptor[];
  readonly clock: Clock;
}

/** What a policy may lift, because its operator knows better than the rules. */
const LIFTED: ReadonlySet<NotStored> = new Set(['not-cacheable', 'nothing-to-reuse', 'set-cookie']);

/** Reasons that are about one request and say nothing of what is stored. */
const OF_THE_REQUEST: ReadonlySet<NotKept> = new Set<NotKept>([
  'answers-a-condition',
  'answers-a-range',
  'part-unclear',
  'request-no-store',
  'authorization',
]);

/** Asks the origin, and does to the store what its answer says. RFC 9111 §3, §4.3, §4.4. */
export class OriginQuestions {
  readonly #options: AskOriginOptions;

  constructor(options: AskOriginOptions) {
    this.#options = options;
  }

  /** @throws VelocityError of the origin, where it had no answer and nothing stored may be sent instead */
  async ask(question: OriginQuestion): Promise<OriginReply> {
    const { clock, store, steps } = this.#options;
    const { request, fallback, host, clientAddress } = question;
    const asked = question.asked.filter(({ held }) => held && isComplete(held));
    const outgoing = await steps.fetch(outgoingOf(question, asked), host, clientAddress);
    if ('synthetic' in outgoing) return { kind: 'synthetic', synthetic: outgoing.synthetic };
    const requestedAt = clock.now();
    let answer: OriginResponse;
    try {
      answer = await question.client.send(outgoing, question.hooks);
    } catch (error) {
      if (question.hooks.signal?.aborted) throw error;
      return this.#instead(question, 'unreachable') ?? Promise.reject(error);
    }
    if (fallback && isOriginError(answer.status)) {
      const instead = this.#instead(question, 'error-status');
      if (instead) {
        answer.body.destroy();
        return instead;
      }
    }
    const head = { status: answer.status, fields: answer.fields, requestedAt, receivedAt: clock.now() };
    try {
      if (answer.status === 304 && asked.length > 0)
        return await this.#validated(question, asked, outgoing, answer, head);
      for (const outdated of outdatedUris(request.method, request.uri, answer.status, answer.fields))
        store.outdate(outdated);
      const interceptor = this.#interceptorOf(question, answer);
      if (interceptor) {
        if (request.method === 'GET') this.#dropOutdated(question, 'intercepted');
        return { kind: 'intercepted', answer, interceptor };
      }
      if (request.method === 'HEAD') this.#heedHead(question, head);
      return await this.#take(question, outgoing, answer, head);
    } catch (error) {
      answer.body.destroy();
      throw error;
    }
  }

  #interceptorOf({ request }: OriginQuestion, answer: OriginResponse): ResponseInterceptor | undefined {
    return this.#options.interceptors.find((one) => one.takes(request.method, answer));
  }

  async #validated(
    question: OriginQuestion,
    asked: readonly StoredAnswer[],
    outgoing: OriginRequest,
    answer: OriginResponse,
    head: ResponseHead,
  ): Promise<OriginReply> {
    answer.body.resume();
    const { request, sent } = question;
    const meant = freshenedBy(asked, answer.fields);
    // It is about something else: so without conditions.
    if (!meant) return this.ask({ ...question, asked: [] });
    const said = await this.#said(question, outgoing, { ...head, status: meant.status }, 'whole');
    const { store } = this.#options;
    const fields = said ? editedFields(head.fields, said.edits) : head.fields;
    const { checkedUpTo } = sent;
    const isPurged = (): boolean => this.#isPurged(question, meant.fields);
    const update = { ...head, fields, overrides: said, checkedUpTo, isPurged };
    const stored = store.freshen(request, meant, update);
    if (said?.isStored === false) store.index.remove(stored);
    return { kind: 'validated', stored };
  }

  async #take(
    question: OriginQuestion,
    outgoing: OriginRequest,
    answer: OriginResponse,
    head: ResponseHead,
  ): Promise<OriginReply> {
    const { store, policy } = this.#options;
    const { request, policyKey, sent } = question;
    const verdict = storability(request, head, policy);
    const said = await this.#said(
      question,
      outgoing,
      head,
      verdict.kind === 'store' ? verdict.as : undefined,
    );
    const fields = said ? editedFields(answer.fields, said.edits) : answer.fields;
    const told = said ? withFields(answer, fields) : answer;
    const kept = question.mayStore ? this.#isKept(question, verdict, said, fields) : 'pass';
    if (kept !== 'whole' && kept !== 'part') {
      if (answer.status < 500 && request.method === 'GET' && kept !== 'pass')
        this.#dropOutdated(question, kept);
      return { kind: 'relay', answer: told, reason: kept };
    }
    const { checkedUpTo } = sent;
    const isPurged = kept === 'part' ? this.#whilePartComes(question, answer, fields) : (): boolean => false;
    const { stored, body, isKept } = await store.take(request, {
      status: head.status,
      reason: answer.reason,
      fields,
      requestedAt: head.requestedAt,
      receivedAt: head.receivedAt,
      source: answer,
      as: kept,
      policyKey,
      overrides: said,
      checkedUpTo,
      isPurged,
    });
    return { kind: 'stored', answer: told, stored, body, isKept };
  }

  #isKept(
    question: OriginQuestion,
    verdict: Storability,
    said: PolicyDecisions['vcl_backend_response'] | undefined,
    fields: Fields,
  ): 'whole' | 'part' | NotKept {
    if (said?.isStored === false) return 'policy';
    if (surrogateKeys(fields) === undefined) return 'surrogate-keys'; // it could not be purged
    if (this.#isPurged(question, fields)) return 'purged';
    if (verdict.kind === 'store') return verdict.as;
    const isLifted = said?.isStored === true || (said?.ttl ?? 0) > 0;
    return isLifted && question.request.method === 'GET' && LIFTED.has(verdict.reason)
      ? 'whole'
      : verdict.reason;
  }

  /** A part is stored when it has come; a purge meanwhile would not find it. */
  #whilePartComes(question: OriginQuestion, { body }: OriginResponse, fields: Fields): () => boolean {
    const { purges } = this.#options;
    const sent = purges.depart();
    body.once('close', () => purges.land(sent));
    return () => this.#isPurged({ ...question, sent }, fields);
  }

  #isPurged({ request, sent }: Pick<OriginQuestion, 'request' | 'sent'>, fields: Fields): boolean {
    return this.#options.purges.isPurged(sent, request.uri, surrogateKeys(fields) ?? new Set());
  }

  /** What a policy says of an answer. @param as how it would be stored by the rules */
  #said(
    { host, clientAddress }: OriginQuestion,
    outgoing: OriginRequest,
    head: ResponseHead,
    as: 'whole' | 'part' | undefined,
  ): Promise<PolicyDecisions['vcl_backend_response'] | undefined> | undefined {
    const { policy, clock, steps } = this.#options;
    const ttl = (): number | null => (as ? timeToLive(storedFacts(head, policy), clock.now()) : null);
    return steps.backendResponse(outgoing, host, clientAddress, head, ttl);
  }

  /** What is there was asked about, and is no longer what the origin says. */
  #dropOutdated({ request, policyKey }: OriginQuestion, reason: NotKept): void {
    if (OF_THE_REQUEST.has(reason)) return;
    const { store } = this.#options;
    const stored = store.select(request.uri, policyKey, request.fields);
    if (stored) store.index.remove(stored);
  }

  #instead({ request, fallback }: OriginQuestion, failure: OriginFailure): OriginReply | undefined {
    if (!fallback) return undefined;
    const verdict = afterFailure(fallback.facts, request.facts, failure, this.#options.clock.now());
    if (verdict.kind === 'fail') return undefined;
    return { kind: 'fallback', stored: fallback, reason: verdict.reason };
  }

  #heedHead(question: OriginQuestion, head: ResponseHead): void {
    const { request, policyKey, sent } = question;
    const { checkedUpTo } = sent;
    const { store } = this.#options;
    const stored = store.select(request.uri, policyKey, request.fields);
    if (!stored) return;
    const effect = headEffect(stored.facts, stored.fields, head);
    if (effect === 'freshen')
      store.freshen(request, stored, {
        ...head,
        checkedUpTo,
        isPurged: () => this.#isPurged(question, stored.fields),
      });
    else if (effect === 'outdate') store.index.remove(stored);
  }
}

/** The same answer with other fields. */
function withFields(answer: OriginResponse, fields: Fields): OriginResponse {
  const { kind, status, reason, version, bytes, isReused } = answer;
  return {
    ...{ kind, status, reason, version, fields, bytes, isReused },
    get body() {
      return answer.body;
    },
    trailers: () => answer.trailers(),
  };
}

/** What the origin is sent. @param asked those whose validators go with it, in place of the client's conditions */
function outgoingOf({ outgoing, extra = [] }: OriginQuestion, asked: readonly StoredAnswer[]): OriginRequest {
  if (asked.length === 0 && extra.length === 0) return outgoing;
  const facts = asked.map((stored) => stored.facts);
  return { ...outgoing, fields: [...validatingFields(outgoing.fields, facts), ...extra] };
}
