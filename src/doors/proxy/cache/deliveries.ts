import { type ServerResponse, STATUS_CODES } from 'node:http';
import { signalOf } from '../../../base/cancellation.ts';
import type { Clock } from '../../../base/clock.ts';
import { dropBody } from '../../../http/response-interceptor.ts';
import { type CacheStatus, type Forwarded, formatCacheStatus } from '../../../http-cache/cache-status.ts';
import { type Fields, withoutFields } from '../../../http-cache/fields.ts';
import { timeToLive } from '../../../http-cache/stored-facts.ts';
import { fieldsToClient, isBodiless, type Proxied, takesTrailers } from '../origin/forwarding.ts';
import { sendAnswer, sendFileAnswer } from '../origin/send-answer.ts';
import { admittedTrailers, announcedTrailers } from '../origin/trailers.ts';
import type { Synthetic } from '../policy/policy.ts';
import type { AnswerBodies } from './answer-bodies.ts';
import { shownFields } from './answer-meta.ts';
import type { OriginReply } from './ask-origin.ts';
import type { Course } from './course.ts';
import type { PolicySteps } from './policy-steps.ts';
import type { Presentation } from './presentation.ts';
import { spanInParts } from './spliced.ts';
import type { StoredAnswer } from './stored-answer.ts';

export interface DeliveriesOptions {
  readonly bodies: AnswerBodies;
  readonly steps: PolicySteps;
  readonly clock: Clock;
  /** Our name in Cache-Status. */
  readonly name: string;
}

type Shown = Extract<Presentation, { readonly kind: 'answer' }>;

/** How it came that what is stored is sent. */
export interface Found {
  readonly outcome: 'hit' | 'joined' | 'stale' | 'validated';
  readonly detail: string | undefined;
  /** Why the origin was asked, where it was. */
  readonly why: Forwarded;
}

/** Sends answers, each with what is to be said of how it came about. */
export class Deliveries {
  readonly #options: DeliveriesOptions;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** What is not stored, as it comes. */
  async relayed(
    course: Course,
    { answer, reason: detail }: Extract<OriginReply, { readonly kind: 'relay' }>,
    why: Forwarded,
  ): Promise<void> {
    const { proxied, forwarding, client } = course;
    const { status, reason, bytes } = answer;
    const said = this.#said('MISS', { kind: 'forwarded', reason: why, ...(detail !== 'pass' && { detail }) });
    const fields = shownFields(fieldsToClient(answer, forwarding)).concat(said);
    try {
      const head = await this.#options.steps.deliver(proxied, client, { status, reason, fields }, false);
      const names = takesTrailers(proxied.admitted) ? announcedTrailers(answer.fields) : [];
      const trailers = { names, read: () => admittedTrailers(answer.trailers(), names) };
      await sendAnswer({ ...head, body: bytes ?? answer.body, trailers }, proxied);
    } catch (error) {
      answer.body.destroy();
      throw error;
    }
  }

  /** What an interceptor gives in place of the origin's answer. */
  async intercepted(
    { proxied, forwarding, client, findings, gone }: Course,
    { answer, interceptor }: Extract<OriginReply, { readonly kind: 'intercepted' }>,
    why: Forwarded,
  ): Promise<void> {
    const { message, admitted } = proxied;
    const asked = { method: admitted.method, headers: message.headers };
    const given = await interceptor.answer(asked, answer, answer.body, signalOf(gone));
    const { status, body, detail } = given;
    if (detail !== undefined) findings.detail = detail;
    const via = ['Via', `${answer.version} ${forwarding.via}`];
    const said = this.#said('MISS', { kind: 'forwarded', reason: why, detail });
    const fields = shownFields(given.fields).concat(via, said);
    try {
      const reason = STATUS_CODES[status] ?? '';
      const head = await this.#options.steps.deliver(proxied, client, { status, reason, fields }, false);
      if (body !== undefined && 'sendTo' in body) await sendFileAnswer({ ...head, body }, proxied);
      else await sendAnswer({ ...head, body: body ?? NOTHING }, proxied);
    } catch (error) {
      dropBody(body);
      throw error;
    }
  }

  /** What is stored as it comes, to the one who asked for it. */
  async fetched(
    course: Course,
    { answer, body, isKept }: Extract<OriginReply, { readonly kind: 'stored' }>,
    why: Forwarded,
    detail: string | undefined,
  ): Promise<void> {
    const { proxied, forwarding, client } = course;
    const { status, reason } = answer;
    const said = this.#said('MISS', { kind: 'forwarded', reason: why, stored: isKept, detail });
    const fields = shownFields(fieldsToClient(answer, forwarding)).concat(said);
    try {
      const head = await this.#options.steps.deliver(proxied, client, { status, reason, fields }, false);
      await sendAnswer({ ...head, body: body.bytes ?? (await body.open('whole')) }, proxied);
    } finally {
      body.close();
    }
  }

  /** @returns `false`: its body is gone, and the client has been told nothing */
  async stored(course: Course, stored: StoredAnswer, shown: Shown, found: Found): Promise<boolean> {
    const { bodies, steps } = this.#options;
    const { proxied, client, forwarding } = course;
    const body = shown.body === 'none' ? undefined : await bodies.find(stored.id);
    if (shown.body !== 'none' && !body) return false;
    try {
      const said = this.#said('HIT', this.#statusOf(stored, found));
      const fields = shown.fields.concat('Via', `1.1 ${forwarding.via}`, said);
      const head = await steps.deliver(proxied, client, { ...shown, fields }, true);
      if (shown.body === 'none' || !body) {
        sendHead(proxied.response, head);
        return true;
      }
      const span = shown.body === 'whole' || !stored.held ? 'whole' : spanInParts(stored.held, shown.body);
      if (body.bytes) {
        const bytes = span === 'whole' ? body.bytes : body.bytes.subarray(span.first, span.last + 1);
        await sendAnswer({ ...head, body: bytes }, proxied);
      } else await sendAnswer({ ...head, body: await body.open(span) }, proxied);
      return true;
    } finally {
      body?.close();
    }
  }

  synthetic({ admitted, response }: Proxied, { status, fields, body }: Synthetic): void {
    const bytes = Buffer.from(body);
    const head = [
      ...withoutFields(fields, LENGTH),
      ...this.#said('MISS', { kind: 'forwarded', reason: 'bypass' }),
    ];
    const isEmpty = status === 204 || status === 304;
    if (!isEmpty) head.push('Content-Length', String(bytes.length));
    response.writeHead(status, STATUS_CODES[status] ?? '', head);
    response.end(isBodiless(admitted.method, status) ? undefined : bytes);
  }

  #statusOf({ facts }: StoredAnswer, { outcome, detail, why }: Found): CacheStatus {
    const ttl = timeToLive(facts, this.#options.clock.now());
    const more = detail === undefined ? { ttl } : { ttl, detail };
    if (outcome === 'validated') return { kind: 'forwarded', reason: why, status: 304, ...more };
    if (outcome === 'joined') return { kind: 'forwarded', reason: 'miss', collapsed: true, ttl };
    return { kind: 'hit', ...more };
  }

  #said(cache: 'HIT' | 'MISS', status: CacheStatus): Fields {
    return ['X-Cache', cache, 'Cache-Status', formatCacheStatus(this.#options.name, status)];
  }
}

const NOTHING = new Uint8Array();
const LENGTH: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding']);

function sendHead(
  response: ServerResponse,
  { status, reason, fields }: { readonly status: number; readonly reason: string; readonly fields: Fields },
): void {
  response.writeHead(status, reason, fields as string[]);
  response.end();
}
