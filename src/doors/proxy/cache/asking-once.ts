import { hash } from 'node:crypto';
import { Canceller } from '../../../base/cancellation.ts';
import { isOriginError } from '../../../http-cache/after-failure.ts';
import { type Fields, hasField } from '../../../http-cache/fields.ts';
import type { RequestFacts } from '../../../http-cache/request-facts.ts';
import { reuse } from '../../../http-cache/reuse.ts';
import { secondaryKey } from '../../../http-cache/vary.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import { interimsTo } from '../origin/forward.ts';
import type { OriginHooks } from '../origin/origin-client.ts';
import {
  type AskOriginOptions,
  type OriginQuestion,
  OriginQuestions,
  type OriginReply,
} from './ask-origin.ts';
import type { Course } from './course.ts';
import { type HeadFlight, HeadFlights, type Landed } from './head-flights.ts';
import type { StoredAnswer } from './stored-answer.ts';
import type { Sent } from './stored-purges.ts';

export interface AskingOnceOptions extends AskOriginOptions {
  readonly logger: Logger;
}

/** What is asked of the origin for a request. */
export interface Question {
  /** Under which others wait for the head of the answer; `undefined`: nobody does. */
  readonly key?: string | undefined;
  /** Whose validators are sent. */
  readonly asked?: readonly StoredAnswer[] | undefined;
  /** Added to the fields: a Range for what is missing. */
  readonly extra?: Fields | undefined;
  /** What may be sent where the origin fails. */
  readonly fallback?: StoredAnswer | undefined;
  /** `false`: past the store. */
  readonly mayStore?: boolean | undefined;
}

/** A key whose answers could not be shared is not waited for so long. */
const UNSHARED_MS = 120_000;
const MOST_UNSHARED = 10_000;

/** Asks the origin what clients want to know, once for all who want the same while the head of the answer is not here. */
export class AskingOnce {
  readonly #options: AskingOnceOptions;
  readonly #questions: OriginQuestions;
  readonly #flights: HeadFlights;

  constructor(options: AskingOnceOptions) {
    this.#options = options;
    this.#questions = new OriginQuestions(options);
    const { clock } = options;
    this.#flights = new HeadFlights({ clock, unsharedMs: UNSHARED_MS, maxUnshared: MOST_UNSHARED });
  }

  /** How many questions others wait for, or could. */
  get flights(): number {
    return this.#flights.size;
  }

  /**
   * What requests are alike by, as far as it is known: the address, and what answers to it vary on; those who say who they
   * are get other answers. `undefined`: what is answered to this one is not for others.
   */
  keyOf({ request, policyKey }: Course, variants: readonly StoredAnswer[]): string | undefined {
    const { uri, method, fields, facts } = request;
    if (method !== 'GET' || facts.directives?.noStore || facts.isForOrigin) return undefined;
    const vary = variants.at(-1)?.facts.vary ?? [];
    const parts = vary === 'everything' ? [] : secondaryKey(vary, fields, this.#options.policy);
    const key = JSON.stringify([uri, policyKey, hasField(fields, 'authorization'), ...parts]);
    return key.length <= LONGEST_KEY ? key : hash('sha256', key);
  }

  /** Somebody's question that is worth waiting for, once for a key. Says so at once, so that one alone goes first. */
  flightFor(course: Course, key: string | undefined): HeadFlight | undefined {
    if (key === undefined || course.joinedKey === key || !this.#flights.isShared(key)) return undefined;
    const flight = this.#flights.get(key);
    // Not what was purged since it went: that is not what is asked for now.
    return flight && !this.#options.purges.isOutdated(flight.sent, course.request.uri) ? flight : undefined;
  }

  async landed(course: Course, flight: HeadFlight): Promise<Landed> {
    const landed = await flight.wait(course.gone);
    if (landed === 'gone') throw new Error('the client is gone');
    if (landed.kind !== 'abandoned') course.joinedKey = flight.key;
    return landed;
  }

  /** @throws VelocityError of the origin, where it had no answer and nothing stored may be sent instead */
  async ask(course: Course, question: Question): Promise<OriginReply> {
    const { purges } = this.#options;
    const { key } = question;
    const sent = purges.depart();
    // Somebody may ask already, for whom this one does not wait: then nobody waits for this one.
    const flight = key === undefined || this.#flights.get(key) ? undefined : this.#flights.begin(key, sent);
    try {
      const reply = await this.#askFor(course, question, sent, flight);
      if (flight) this.#land(flight, reply);
      return reply;
    } catch (error) {
      const landed: Landed =
        error === course.gone.reason
          ? { kind: 'abandoned' }
          : { kind: 'failed', failure: 'unreachable', error };
      if (flight) this.#flights.land(flight, landed);
      throw error;
    } finally {
      purges.land(sent);
    }
  }

  /** Validates in the background what was sent stale. RFC 5861 §3. */
  refresh(course: Course, stored: StoredAnswer): void {
    // Whoever came first, it is the whole that has to be had anew.
    const request = { ...course.request, method: 'GET' };
    const key = this.keyOf({ ...course, request }, [stored]);
    if (key === undefined || this.#flights.get(key)) return;
    const { purges, logger } = this.#options;
    const sent = purges.depart();
    const flight = this.#flights.begin(key, sent);
    const { body: _, trailers: __, ...outgoing } = course.outgoing;
    this.#questions
      .ask(
        questionOf(
          { ...course, request, outgoing: { ...outgoing, method: 'GET' } },
          { asked: [stored] },
          sent,
          {},
        ),
      )
      .then((reply) => {
        this.#land(flight, reply);
        if (reply.kind === 'relay' || reply.kind === 'intercepted') reply.answer.body.destroy();
        if (reply.kind === 'stored') reply.body.close();
      })
      .catch((error: unknown) => {
        this.#flights.land(flight, { kind: 'failed', failure: 'unreachable', error });
        logger.debug({ err: error }, 'could not refresh what is stale');
      })
      .finally(() => purges.land(sent));
  }

  /** Until the head has come, it ends where the client leaves for whom alone it is. Of what follows others may read, too. */
  async #askFor(
    course: Course,
    question: Question,
    sent: Sent,
    flight: HeadFlight | undefined,
  ): Promise<OriginReply> {
    const { proxied, forwarding, findings, backend, gone } = course;
    findings.backend = backend.name;
    const leaving = new Canceller();
    const onGone = (): void => {
      if (!flight?.isAwaited) leaving.abort(gone.reason);
    };
    gone.addEventListener('abort', onGone, { once: true });
    if (gone.aborted) onGone();
    const hooks = { signal: leaving, onInterim: interimsTo(proxied, forwarding) };
    try {
      return await this.#questions.ask(questionOf(course, question, sent, hooks));
    } finally {
      gone.removeEventListener('abort', onGone);
    }
  }

  #land(flight: HeadFlight, reply: OriginReply): void {
    if (reply.kind === 'fallback') {
      this.#flights.land(flight, { kind: 'failed', failure: reply.reason });
      return;
    }
    // An origin in trouble says nothing of what its answers are like, and should not be asked more often for it.
    if (reply.kind !== 'relay' || !isOriginError(reply.answer.status))
      this.#flights.note(flight.key, this.#isForAll(reply));
    this.#flights.land(flight, { kind: 'answered' });
  }

  /** What has to be validated each time is of no use to who waited. */
  #isForAll(reply: OriginReply): boolean {
    if (reply.kind !== 'stored' && reply.kind !== 'validated') return false;
    if (reply.kind === 'stored' && !reply.isKept) return false;
    const { kind } = reuse(reply.stored.facts, ANY_READ, this.#options.clock.now());
    return kind === 'serve-fresh' || kind === 'serve-stale';
  }
}

const ANY_READ: RequestFacts = { isRead: true, directives: undefined, isForOrigin: false };

/** Many are remembered, so beyond this their digests are. */
const LONGEST_KEY = 256;

function questionOf(
  { request, policyKey, backend, outgoing, proxied, client }: Course,
  { asked = [], extra, fallback, mayStore = true }: Question,
  sent: Sent,
  hooks: OriginHooks,
): OriginQuestion {
  return {
    request,
    policyKey,
    client: backend.client,
    outgoing,
    host: proxied.admitted.host,
    clientAddress: client,
    asked,
    extra,
    fallback,
    mayStore,
    sent,
    hooks,
  };
}
