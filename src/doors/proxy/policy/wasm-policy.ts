import type { Clock } from '../../../base/clock.ts';
import { VelocityError } from '../../../base/errors.ts';
import { Breaker } from './breaker.ts';
import type { CompiledPolicy } from './guest/compiled-policy.ts';
import type { LogLevel } from './guest/extism-functions.ts';
import { type FailureKind, GuestFailure } from './guest/guest-failure.ts';
import { GuestPool } from './guest/guest-pool.ts';
import { readDecision } from './json/read-decision.ts';
import { writeQuestion } from './json/write-question.ts';
import type { Policy, PolicyDecisions, PolicyHook, PolicyQuestions } from './policy.ts';
import type { PolicySettings } from './settings.ts';

/** What a policy tells of itself. */
export interface PolicyEvents {
  onFailure(kind: FailureKind, hook: PolicyHook, reason: string): void;
  /** It failed too often in a row, and is left alone for a while. */
  onRest(): void;
  log(level: LogLevel, text: string): void;
}

export interface WasmPolicyOptions {
  readonly settings: PolicySettings;
  readonly clock: Clock;
  readonly events: PolicyEvents;
  close(): void;
}

/** A policy in this thread: a call ends by itself or by its deadline before anything else is done. */
export class WasmPolicy implements Policy {
  readonly #options: WasmPolicyOptions;
  #compiled: CompiledPolicy;
  #pool: GuestPool;
  #breaker: Breaker;

  /** Throws `POLICY_INVALID` where no instance can be made. */
  constructor(compiled: CompiledPolicy, options: WasmPolicyOptions) {
    this.#options = options;
    this.#compiled = compiled;
    this.#pool = this.#openPool(compiled);
    this.#breaker = new Breaker(options.clock);
  }

  /** Takes another module from the next call on; where it throws, the old one stays. */
  replace(compiled: CompiledPolicy): void {
    const pool = this.#openPool(compiled);
    this.#pool.close();
    this.#compiled = compiled;
    this.#pool = pool;
    this.#breaker = new Breaker(this.#options.clock);
  }

  hooks(hook: PolicyHook): boolean {
    return this.#compiled.hooks.has(hook) && !(this.#failsOpen && this.#breaker.isOpen);
  }

  async ask<H extends PolicyHook>(
    hook: H,
    question: PolicyQuestions[H],
  ): Promise<PolicyDecisions[H] | undefined> {
    return this.askNow(hook, question);
  }

  askNow<H extends PolicyHook>(hook: H, question: PolicyQuestions[H]): PolicyDecisions[H] | undefined {
    if (!this.#compiled.hooks.has(hook)) return undefined;
    if (this.#breaker.isOpen) return this.#noDecision(hook);
    try {
      const decision = this.#pool.call(hook, writeQuestion(hook, question), (answer) =>
        readDecision(hook, answer),
      );
      this.#breaker.well(hook);
      return decision;
    } catch (error) {
      if (!(error instanceof GuestFailure)) throw error;
      this.#failed(hook, error);
      return this.#noDecision(hook, error);
    }
  }

  async close(): Promise<void> {
    this.#options.close();
    this.#pool.close();
  }

  get #failsOpen(): boolean {
    return this.#options.settings.policyOnFailure === 'open';
  }

  #failed(hook: PolicyHook, { kind, message }: GuestFailure): void {
    const { events } = this.#options;
    events.onFailure(kind, hook, message);
    if (this.#breaker.unwell(hook)) events.onRest();
  }

  /** The reason is for the log, not for clients. */
  #noDecision(hook: PolicyHook, cause?: GuestFailure): undefined {
    if (this.#failsOpen) return undefined;
    throw new VelocityError('POLICY_FAILED', `The policy came to no decision at ${hook}.`, { cause });
  }

  #openPool(compiled: CompiledPolicy): GuestPool {
    const { settings, clock, events } = this.#options;
    return new GuestPool(compiled, {
      size: settings.policyPoolSize,
      maxMemory: settings.policyMaxMemory,
      deadline: settings.policyDeadline,
      clock,
      log: (level, text) => events.log(level, text),
    });
  }
}
