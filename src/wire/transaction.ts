/** A line of `GET /transactions`: a request that the caching proxy answered. */

/**
 * How a request was answered. `hit`: fresh from the cache; `stale`: from the cache though no longer fresh; `validated`: from
 * the cache, after the origin said that it still holds; `joined`: by what another's request was fetching; `miss`: by the
 * origin, through the cache; `pass`: by the origin, past the cache; `intercepted`: by what its answer asked for, such as a build; `synthetic`: by a policy; `refused`: not let in;
 * `failed`: no origin had an answer; `tunnel`: switched to another protocol.
 */
export const OUTCOMES = [
  'hit',
  'stale',
  'validated',
  'joined',
  'miss',
  'pass',
  'intercepted',
  'synthetic',
  'refused',
  'failed',
  'tunnel',
] as const;

export type Outcome = (typeof OUTCOMES)[number];

/** One request and its answer, once both are over. Times are in milliseconds. */
export interface Transaction {
  readonly id: string;
  /** Since the epoch. */
  readonly startedAt: number;
  /** Address of the client. */
  readonly client: string;
  readonly method: string;
  readonly host: string;
  /** As it was asked for, query included. */
  readonly target: string;
  /** `aborted`: the client did not get all of it. */
  readonly status: number | 'aborted';
  readonly outcome: Outcome;
  /** Why, as the rules say it: that of Cache-Status. */
  readonly detail: string | undefined;
  /** Name of the backend that was asked. */
  readonly backend: string | undefined;
  /** Until the backend's head had come. */
  readonly backendMs: number | undefined;
  /** Until all was sent. */
  readonly totalMs: number;
  /** Of the answer's body. */
  readonly sentBytes: number;
}

/**
 * Where an answer's time went: `hits` came from the cache alone, `misses` waited for an origin. What is neither was
 * answered without a look at either.
 */
export const OUTCOME_SERIES: Readonly<Record<Outcome, 'hits' | 'misses' | undefined>> = {
  hit: 'hits',
  stale: 'hits',
  validated: 'misses',
  joined: 'misses',
  miss: 'misses',
  pass: 'misses',
  intercepted: 'misses',
  failed: 'misses',
  synthetic: undefined,
  refused: undefined,
  tunnel: undefined,
};

/** Reads one off the wire; `undefined` where it is not of this form. */
export function parseTransaction(raw: unknown): Transaction | undefined {
  if (typeof raw !== 'object' || raw === null) return undefined;
  const { id, startedAt, client, method, host, target, status, outcome, totalMs, sentBytes, ...rest } =
    raw as Record<string, unknown>;
  const { detail, backend, backendMs } = rest;
  if (!isText(id) || !isText(client) || !isText(method) || !isText(host) || !isText(target)) return undefined;
  if (!isAmount(startedAt) || !isAmount(totalMs) || !isAmount(sentBytes)) return undefined;
  if ((status !== 'aborted' && !isAmount(status)) || !isOutcome(outcome)) return undefined;
  return {
    ...{ id, startedAt, client, method, host, target, status, outcome, totalMs, sentBytes },
    detail: isText(detail) ? detail : undefined,
    backend: isText(backend) ? backend : undefined,
    backendMs: isAmount(backendMs) ? backendMs : undefined,
  };
}

export function isOutcome(value: unknown): value is Outcome {
  return OUTCOMES.some((outcome) => outcome === value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
