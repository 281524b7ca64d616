import type { ByteRange } from '../base/byte-range.ts';
import type { Clock } from '../base/clock.ts';
import { HedgeBudget } from './hedge-budget.ts';
import { LatencyWindow } from './latency-window.ts';
import type { ObjectKey } from './object-key.ts';
import type { Got, ObjectFacts, ObjectStore } from './store.ts';
import { WrappedStore } from './wrapped-store.ts';

export interface HedgeOptions {
  /** A read that takes longer than this share of the latest ones did is hedged; from 0 to below 1. */
  readonly quantile: number;
  readonly clock: Clock;
  /** Called once for each hedge: `won` where its answer was the one that counted. */
  readonly onHedge?: (outcome: 'won' | 'lost') => void;
}

/**
 * Hedged requests (Dean and Barroso, "The Tail at Scale"): a read that is not answered as soon as most are is sent a
 * second time, and the first good answer counts, a miss too. The other request is aborted, and what becomes of it is
 * nobody's. What fails before it is hedged just fails: to try again is for others. Writes are never sent twice.
 */
export class HedgedStore extends WrappedStore {
  readonly #options: HedgeOptions;
  readonly #budget = new HedgeBudget();
  /** Apart: the one waits for the first bytes of an object, too. */
  readonly #latencies = { get: new LatencyWindow(), head: new LatencyWindow() };

  constructor(below: ObjectStore, options: HedgeOptions) {
    super(below);
    this.#options = options;
  }

  override head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    const race = new Race((own) => super.head(key, own), nothing, signal);
    return this.#hedged(race, this.#latencies.head);
  }

  override get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    const race = new Race((own) => super.get(key, range, own), dropBody, signal);
    return this.#hedged(race, this.#latencies.get);
  }

  async #hedged<T>(race: Race<T>, latencies: LatencyWindow): Promise<T> {
    const { clock, quantile, onHedge } = this.#options;
    this.#budget.earn();
    const usualMs = latencies.quantile(quantile);
    const startedAt = clock.elapsed();
    let isHedged = false;
    const hedge = (): void => {
      if (race.isAborted || !this.#budget.spend()) return;
      isHedged = true;
      race.send();
    };
    race.send();
    const cancel = usualMs === undefined ? undefined : clock.after(usualMs, hedge);
    let outcome: 'won' | 'lost' = 'lost';
    try {
      const { answer, request } = await race.end;
      // Where the hedge won, how long the first had taken by then: left out, each hedge would make the next come sooner.
      latencies.add(clock.elapsed() - startedAt);
      if (request > 0) outcome = 'won';
      return answer;
    } finally {
      cancel?.();
      if (isHedged) onHedge?.(outcome);
    }
  }
}

/** One question in one or several requests: the first good answer ends it, or the last failure. */
class Race<T> {
  readonly #ask: (signal: AbortSignal) => Promise<T>;
  readonly #drop: (late: T) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #end = Promise.withResolvers<{ readonly answer: T; readonly request: number }>();
  readonly #underWay = new Set<AbortController>();
  readonly #failures: unknown[] = [];
  #sent = 0;
  #isAnswered = false;

  /** @param drop frees what an answer holds that came too late */
  constructor(ask: (signal: AbortSignal) => Promise<T>, drop: (late: T) => void, signal?: AbortSignal) {
    this.#ask = ask;
    this.#drop = drop;
    this.#signal = signal;
  }

  /** The answer, and whether the first request got it (0) or a later one; where all fail, the first failure. */
  get end(): Promise<{ readonly answer: T; readonly request: number }> {
    return this.#end.promise;
  }

  get isAborted(): boolean {
    return this.#signal?.aborted === true;
  }

  send(): void {
    const request = this.#sent++;
    const abort = new AbortController();
    this.#underWay.add(abort);
    const signal = this.#signal ? AbortSignal.any([this.#signal, abort.signal]) : abort.signal;
    Promise.try(this.#ask, signal).then(
      (answer) => {
        this.#underWay.delete(abort);
        this.#answered(answer, request);
      },
      (error: unknown) => {
        this.#underWay.delete(abort);
        this.#failed(error);
      },
    );
  }

  #answered(answer: T, request: number): void {
    if (this.#isAnswered) {
      this.#drop(answer);
      return;
    }
    this.#isAnswered = true;
    this.#end.resolve({ answer, request });
    for (const other of this.#underWay) other.abort(new Error('another request was answered first'));
  }

  #failed(error: unknown): void {
    this.#failures.push(error);
    if (!this.#isAnswered && this.#underWay.size === 0) this.#end.reject(this.#failures[0]);
  }
}

function nothing(): void {}

function dropBody(got: Got): void {
  if (got === undefined || got === 'unsatisfiable' || got.bytes) return;
  got.body.on('error', () => {}); // its request was aborted
  got.body.destroy();
}
