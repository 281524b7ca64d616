import type { TLSSocket } from 'node:tls';
import { type Cancellation, Canceller } from '../../../base/cancellation.ts';
import { VelocityError } from '../../../base/errors.ts';
import { drainRest } from '../../../http/transfer.ts';
import { afterFailure } from '../../../http-cache/after-failure.ts';
import { type Forwarded, forwardedFor } from '../../../http-cache/cache-status.ts';
import { type CacheUri, cacheUri } from '../../../http-cache/cache-uri.ts';
import { isConditional } from '../../../http-cache/conditional-request.ts';
import type { Fields } from '../../../http-cache/fields.ts';
import { isComplete } from '../../../http-cache/parts.ts';
import { requestFacts } from '../../../http-cache/request-facts.ts';
import { type NotReused, reuse, reuseNothing } from '../../../http-cache/reuse.ts';
import { currentAge, timeToLive } from '../../../http-cache/stored-facts.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { Backend } from '../backends/backends.ts';
import { type Proxied, requestToOrigin } from '../origin/forwarding.ts';
import { type Findings, type Forwarding, type ProxyHandler, toldHost } from '../proxy-handler.ts';
import type { OpenBody } from './answer-bodies.ts';
import { MOST_COMBINED_BYTES } from './answer-store.ts';
import type { AskOriginOptions, OriginReply } from './ask-origin.ts';
import { AskingOnce, type Question } from './asking-once.ts';
import { asksForAnother } from './asks-for-another.ts';
import type { Course } from './course.ts';
import { Deliveries } from './deliveries.ts';
import { present } from './presentation.ts';
import { partedByProxies } from './said-by-proxies.ts';
import type { StoredAnswer } from './stored-answer.ts';

export interface CachingProxyOptions extends AskOriginOptions {
  readonly backends: { choose(host: string, target: string): Backend };
  readonly forwarding: Forwarding;
  readonly logger: Logger;
  /** Our name in Cache-Status, a token. RFC 9211 §2. */
  readonly name: string;
}

/** How the origin is asked, and why. */
interface Asking extends Question {
  readonly why: Forwarded;
  readonly detail?: string | undefined;
}

/**
 * An HTTP cache between clients and origins: looks a request up, asks the origin where it must, once for all who wait, and
 * says what it did. RFC 9111; it is the rules of `http-cache` that decide.
 */
export class CachingProxy implements ProxyHandler {
  readonly #options: CachingProxyOptions;
  readonly #once: AskingOnce;
  readonly #deliveries: Deliveries;

  constructor(options: CachingProxyOptions) {
    this.#options = options;
    const { clock, name, steps, store } = options;
    this.#once = new AskingOnce(options);
    this.#deliveries = new Deliveries({ clock, name, steps, bodies: store.bodies });
  }

  /** How many questions others wait for, or could. */
  get flights(): number {
    return this.#once.flights;
  }

  async handle(proxied: Proxied, findings: Findings): Promise<void> {
    const { message, response } = proxied;
    const gone = new Canceller();
    const onClose = (): void => gone.abort(new Error('the client is gone'));
    response.once('close', onClose);
    if (response.destroyed) onClose();
    try {
      await this.#handle(proxied, findings, gone);
    } catch (error) {
      // A client that leaves while it sends is found out by its body first.
      if (!gone.aborted && !(message.destroyed && !message.complete)) throw error;
    } finally {
      response.off('close', onClose);
      if (!message.complete && !message.destroyed) drainRest(message);
    }
  }

  async close(): Promise<void> {}

  async #handle(asked: Proxied, findings: Findings, gone: Cancellation): Promise<void> {
    const { forwarding, steps, backends, policy } = this.#options;
    const client = forwarding.trusted.clientOf(asked.message);
    const received = await steps.receive(asked.admitted, client);
    if (received.kind === 'synthetic') {
      findings.outcome = 'synthetic';
      this.#deliveries.synthetic(asked, received.synthetic);
      return;
    }
    const { admitted, isPass } = received;
    const proxied = admitted === asked.admitted ? asked : { ...asked, admitted };
    const backend = backends.choose(admitted.host, admitted.target);
    const forwardOptions = toldHost(forwarding, backend.host);
    const outgoing = requestToOrigin(proxied, forwardOptions);
    const facts = requestFacts(admitted.method, admitted.fields, policy);
    const uri = uriOf(proxied);
    // What has a body, or no URI, or says that it is another, is no question to a cache.
    const isBelieved = forwarding.trusted.isPeer(asked.message);
    const isClear = admitted.isCacheable && (isBelieved || !asksForAnother(admitted.fields));
    const isPast = isPass || uri === undefined || (facts.isRead && !isClear);
    const request = {
      method: admitted.method,
      uri: uri ?? ('http://*/' as CacheUri),
      fields: outgoing.fields,
      facts,
    };
    const course: Course = {
      proxied,
      backend,
      forwarding: forwardOptions,
      request,
      policyKey: isPast
        ? ''
        : partedByProxies(
            await steps.hash(admitted, client),
            outgoing.fields,
            admitted.host,
            schemeOf(proxied.message),
          ),
      outgoing,
      client,
      findings,
      gone,
      joinedKey: undefined,
    };
    if (isPast) await this.#lead(course, { why: 'bypass', mayStore: false });
    else await this.#answer(course);
  }

  async #answer(course: Course): Promise<void> {
    const { request, policyKey } = course;
    const { store, clock } = this.#options;
    if (!request.facts.isRead) return this.#lead(course, { why: 'method' });
    for (let isAnswered = false; !isAnswered; ) {
      const stored = store.select(request.uri, policyKey, request.fields);
      if (!stored) {
        if (reuseNothing(request.facts) === 'unavailable') throw notCached();
        isAnswered = await this.#askWithout(course);
        continue;
      }
      const decision = reuse(stored.facts, request.facts, clock.now());
      switch (decision.kind) {
        case 'unavailable':
          throw notCached();
        case 'fetch':
          isAnswered = await this.#askAnew(course, stored, decision.reason, []);
          break;
        case 'revalidate':
          isAnswered = await this.#askAnew(course, stored, decision.reason, [stored]);
          break;
        case 'serve-fresh':
          isAnswered = await this.#hit(
            course,
            stored,
            course.joinedKey === undefined ? 'hit' : 'joined',
            undefined,
          );
          break;
        case 'serve-stale':
          if (decision.refreshes) this.#once.refresh(course, stored);
          isAnswered = await this.#hit(course, stored, 'stale', decision.reason);
      }
    }
  }

  /** Nothing that is stored matches. @returns `false`: look again */
  async #askWithout(course: Course): Promise<boolean> {
    const { request, policyKey } = course;
    const others = this.#options.store.index.variants(request.uri, policyKey);
    const why = others.length === 0 ? 'uri-miss' : 'vary-miss';
    if (isConditional(request.fields)) {
      await this.#lead(course, { why });
      return true;
    }
    const key = this.#once.keyOf(course, others);
    const flight = this.#once.flightFor(course, key);
    if (flight) {
      const landed = await this.#once.landed(course, flight);
      if (landed.kind === 'failed' && landed.error !== undefined) throw landed.error;
      return false;
    }
    // Of other variants it is asked whether one of them will do. RFC 9111 §4.1.
    const asked = others.filter(({ held, facts }) => held && isComplete(held) && facts.etag !== undefined);
    await this.#lead(course, { key, asked, why });
    return true;
  }

  /** What is stored matches, and is not to be sent as it is. @returns `false`: look again */
  async #askAnew(
    course: Course,
    stored: StoredAnswer,
    detail: NotReused,
    asked: readonly StoredAnswer[],
  ): Promise<boolean> {
    const { request } = course;
    // Where nothing can be validated, the client's own conditions go to the origin.
    const isForAll = !isConditional(request.fields) || asked.some(({ held }) => held && isComplete(held));
    const key = isForAll ? this.#once.keyOf(course, [stored]) : undefined;
    const flight = this.#once.flightFor(course, key);
    if (flight) {
      const landed = await this.#once.landed(course, flight);
      if (landed.kind !== 'failed') return false;
      const verdict = afterFailure(stored.facts, request.facts, landed.failure, this.#options.clock.now());
      if (verdict.kind === 'serve-stored') return this.#serve(course, stored, 'stale', verdict.reason);
      if (landed.error !== undefined) throw landed.error;
      return false;
    }
    // A condition that is the origin's to judge is judged by nobody where the origin is away.
    const fallback = request.facts.isForOrigin ? undefined : stored;
    await this.#lead(course, { key, asked, why: forwardedFor(detail), detail, fallback });
    return true;
  }

  /** Asks the origin and answers with what comes. */
  async #lead(course: Course, asking: Asking): Promise<void> {
    const { clock } = this.#options;
    const startedAt = clock.elapsed();
    const reply = await this.#once.ask(course, asking);
    course.findings.backendMs = clock.elapsed() - startedAt;
    await this.#tell(course, reply, asking);
  }

  async #tell(course: Course, reply: OriginReply, { why, detail }: Asking): Promise<void> {
    const { findings, proxied } = course;
    switch (reply.kind) {
      case 'relay':
        findings.outcome = 'pass';
        findings.detail = reply.reason;
        await this.#deliveries.relayed(course, reply, why);
        return;
      case 'intercepted':
        findings.outcome = 'intercepted';
        await this.#deliveries.intercepted(course, reply, why);
        return;
      case 'synthetic':
        findings.outcome = 'synthetic';
        this.#deliveries.synthetic(proxied, reply.synthetic);
        return;
      case 'stored':
        findings.outcome = 'miss';
        findings.detail = detail ?? why;
        await this.#deliveries.fetched(course, reply, why, detail);
        return;
      case 'validated':
        if (await this.#serve(course, reply.stored, 'validated', detail, why)) return;
        // Its body went in between: so it is asked for as if nothing had been stored.
        await this.#lead(course, { why: 'uri-miss' });
        return;
      case 'fallback':
        if (await this.#serve(course, reply.stored, 'stale', reply.reason)) return;
        throw new VelocityError('ORIGIN_FAILED', 'The origin has no answer, and what was stored is gone.');
    }
  }

  /** Sends what is stored, unless a policy would have it otherwise. @returns `false`: look again */
  async #hit(
    course: Course,
    stored: StoredAnswer,
    outcome: 'hit' | 'joined' | 'stale',
    detail: string | undefined,
  ): Promise<boolean> {
    const { steps, clock } = this.#options;
    const { proxied, client } = course;
    const now = clock.now();
    const [age, ttl] = [currentAge(stored.facts, now), timeToLive(stored.facts, now)];
    const decision = await steps.hit(proxied.admitted, client, stored, age, ttl);
    switch (decision?.action) {
      case 'pass':
        await this.#lead(course, { why: 'bypass', mayStore: false });
        return true;
      case 'miss':
        await this.#lead(course, { why: 'miss', fallback: stored });
        return true;
      case 'synth':
        if (!decision.synthetic) break;
        course.findings.outcome = 'synthetic';
        this.#deliveries.synthetic(proxied, decision.synthetic);
        return true;
    }
    return this.#serve(course, stored, outcome, detail);
  }

  /** @returns `false`: its body is gone, and so is it; look again */
  async #serve(
    course: Course,
    stored: StoredAnswer,
    outcome: 'hit' | 'joined' | 'stale' | 'validated',
    detail: string | undefined,
    why: Forwarded = 'stale',
  ): Promise<boolean> {
    const { store, clock } = this.#options;
    const shown = present(course.request, stored, clock.now());
    if (shown.kind === 'missing') {
      const { sizeBytes = Number.POSITIVE_INFINITY } = stored.held ?? {};
      await this.#complete(course, stored, sizeBytes > MOST_COMBINED_BYTES ? [] : shown.fields);
      return true;
    }
    course.findings.outcome = outcome;
    if (detail !== undefined) course.findings.detail = detail;
    if (await this.#deliveries.stored(course, stored, shown, { outcome, detail, why })) return true;
    store.index.remove(stored);
    return false;
  }

  /** The rest of a part; where it does not belong to it, what comes is told as it is. */
  async #complete(course: Course, stored: StoredAnswer, rest: Fields): Promise<void> {
    const { store } = this.#options;
    const { request } = course;
    const reply = await this.#once.ask(course, { extra: rest });
    const status = reply.kind === 'relay' || reply.kind === 'stored' ? reply.answer.status : undefined;
    if (rest.length === 0 || (status !== 206 && status !== 416))
      return this.#tell(course, reply, { why: 'partial' });
    // It answers a Range that is not the client's.
    if (reply.kind === 'relay') reply.answer.body.destroy();
    if (reply.kind === 'stored') await this.#joinRest(reply.body, request.uri);
    const isJoined = reply.kind === 'stored';
    const now = isJoined ? store.select(request.uri, course.policyKey, request.fields) : undefined;
    const isWhole = now && now !== stored && now.held && isComplete(now.held);
    if (isWhole && (await this.#serve(course, now, 'validated', undefined, 'partial'))) return;
    await this.#lead(course, { why: 'partial' });
  }

  /** When a part has come whole, it is joined to what is there. */
  async #joinRest(body: OpenBody, uri: CacheUri): Promise<void> {
    try {
      for await (const _ of await body.open('whole'));
    } finally {
      body.close();
    }
    await this.#options.store.settled(uri);
  }
}

function uriOf({ message, admitted }: Proxied): CacheUri | undefined {
  return cacheUri(schemeOf(message), admitted.host, admitted.target);
}

function schemeOf({ socket }: Proxied['message']): 'http' | 'https' {
  return (socket as Partial<TLSSocket>).encrypted === true ? 'https' : 'http';
}

function notCached(): VelocityError {
  return new VelocityError('NOT_CACHED', 'The answer is not in the cache, and nothing else was asked for.');
}
