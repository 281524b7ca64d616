import { moduleRefusal } from '../wasm/module-refusal.ts';
import type { CompiledPolicy } from './compiled-policy.ts';
import { Guest, type GuestSurroundings } from './guest.ts';
import { GuestFailure } from './guest-failure.ts';

export interface GuestPoolOptions extends GuestSurroundings {
  readonly size: number;
  /** Bytes that an instance may have. */
  readonly maxMemory: number;
}

/** After so many calls an instance that needs nearly all of its memory is taken for one that loses some at each. */
const CALLS_OF_THE_WORN = 100;
const WORN_SHARE = 3 / 4;

/**
 * Instances that are ready to be called, each made from the same module. Calls are not concurrent, as a guest runs to its
 * end before anything else does; more than one is kept so that the failure of one does not make the next request wait.
 */
export class GuestPool {
  readonly #policy: CompiledPolicy;
  readonly #options: GuestPoolOptions;
  readonly #idle: { readonly guest: Guest; calls: number }[] = [];
  #refill: NodeJS.Immediate | undefined;

  /** Throws `POLICY_INVALID` where no instance can be made. */
  constructor(policy: CompiledPolicy, options: GuestPoolOptions) {
    this.#policy = policy;
    this.#options = options;
    try {
      while (this.#idle.length < options.size) this.#idle.push(this.#open());
    } catch (error) {
      if (error instanceof GuestFailure) throw moduleRefusal(`it cannot be started: ${error.message}`);
      throw error;
    }
  }

  /** @param read what the answer is taken for; where it throws, the instance has failed */
  call<T>(hook: string, question: string, read: (answer: string) => T): T {
    const entry = this.#idle.pop() ?? this.#open();
    try {
      const result = read(entry.guest.call(hook, question));
      entry.calls++;
      if (!this.#isWorn(entry)) this.#idle.push(entry);
      return result;
    } finally {
      if (this.#idle.length < this.#options.size) this.#refill ??= setImmediate(() => this.#fill());
    }
  }

  close(): void {
    clearImmediate(this.#refill);
    this.#idle.length = 0;
  }

  #isWorn({ guest, calls }: { readonly guest: Guest; readonly calls: number }): boolean {
    return calls >= CALLS_OF_THE_WORN && guest.memoryBytes > this.#options.maxMemory * WORN_SHARE;
  }

  /** One at a time, so that others have their turn between two. */
  #fill(): void {
    this.#refill = undefined;
    try {
      this.#idle.unshift(this.#open());
    } catch {
      return; // the next call tries again, and tells
    }
    if (this.#idle.length < this.#options.size) this.#refill = setImmediate(() => this.#fill());
  }

  #open(): { readonly guest: Guest; calls: number } {
    return { guest: new Guest(this.#policy, this.#options), calls: 0 };
  }
}
