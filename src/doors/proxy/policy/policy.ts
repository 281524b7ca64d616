import type { Fields } from '../../../http-cache/fields.ts';

/** In the order in which a request meets them. A policy is called for those alone that it exports. */
export const POLICY_HOOKS = [
  'vcl_recv',
  'vcl_hash',
  'vcl_hit',
  'vcl_backend_fetch',
  'vcl_backend_response',
  'vcl_deliver',
] as const;

export type PolicyHook = (typeof POLICY_HOOKS)[number];

/** A request as policies see it. */
export interface PolicyRequest {
  readonly method: string;
  readonly host: string;
  /** Path and query. */
  readonly url: string;
  readonly fields: Fields;
  /** Address of the client. */
  readonly client: string;
}

export interface PolicyResponse {
  readonly status: number;
  readonly fields: Fields;
}

/** Lines that are set stand instead of all of that name; what is removed goes first. Names as they are to be written. */
export interface FieldEdits {
  readonly set: Fields;
  /** In lower case. */
  readonly remove: readonly string[];
}

/** An answer that a policy makes up. */
export interface Synthetic {
  readonly status: number;
  readonly fields: Fields;
  readonly body: string;
}

export interface PolicyQuestions {
  vcl_recv: { readonly request: PolicyRequest };
  vcl_hash: { readonly request: PolicyRequest };
  vcl_hit: {
    readonly request: PolicyRequest;
    readonly response: PolicyResponse;
    /** Seconds. */
    readonly age: number;
    /** Seconds; less than 0 once it is stale. */
    readonly ttl: number;
  };
  /** The request as the backend is to get it. */
  vcl_backend_fetch: { readonly request: PolicyRequest };
  vcl_backend_response: {
    readonly request: PolicyRequest;
    readonly response: PolicyResponse;
    /** Seconds that it stays fresh by the rules; `null`: it is not stored. */
    readonly ttl: number | null;
  };
  vcl_deliver: {
    readonly request: PolicyRequest;
    readonly response: PolicyResponse;
    /** Whether it comes from the cache. */
    readonly hit: boolean;
  };
}

export interface PolicyDecisions {
  /** `hash`: look it up, as without a policy. `pass`: ask the backend, keep nothing. */
  vcl_recv: {
    readonly action: 'hash' | 'pass' | 'synth';
    readonly edits: FieldEdits;
    /** In place of path and query. */
    readonly url?: string;
    readonly synthetic?: Synthetic;
  };
  /** What parts equal URLs: a text that is added to the cache key; empty parts nothing. */
  vcl_hash: { readonly key: string };
  /** `pass`: ask the backend and leave what is stored; `miss`: ask it and store anew. */
  vcl_hit: { readonly action: 'deliver' | 'pass' | 'miss' | 'synth'; readonly synthetic?: Synthetic };
  vcl_backend_fetch: {
    readonly action: 'fetch' | 'synth';
    readonly edits: FieldEdits;
    readonly synthetic?: Synthetic;
  };
  /** Seconds; without them what the rules say. `deliver` with `isStored: false` keeps it out of the cache. */
  vcl_backend_response: {
    readonly edits: FieldEdits;
    readonly ttl?: number;
    readonly grace?: number;
    readonly isStored?: boolean;
  };
  vcl_deliver: { readonly edits: FieldEdits; readonly status?: number };
}

/**
 * A policy at work. A broken one (a trap, a deadline, nonsense) fails open, which is `undefined`: go on as without a policy;
 * or closed, which rejects with `POLICY_FAILED`, as the operator wants it.
 */
export interface Policy {
  /** Whether the module exports the hook now: asked before a question is made up, for each request. */
  hooks(hook: PolicyHook): boolean;
  ask<H extends PolicyHook>(hook: H, question: PolicyQuestions[H]): Promise<PolicyDecisions[H] | undefined>;
  /** The same at once, for answers from memory. */
  askNow<H extends PolicyHook>(hook: H, question: PolicyQuestions[H]): PolicyDecisions[H] | undefined;
  close(): Promise<void>;
}
