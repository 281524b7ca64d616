import type { Task } from '../task-graph/task.ts';

/** What a task's turn came to, as far as those who wait for it care. */
export type TurnOutcome = 'done' | 'failed' | 'interrupted';

/** Why a task never had its turn. */
export type PassedOver = 'dependency-failed' | 'run-stopped' | 'interrupted';

export interface ScheduleOptions {
  readonly tasks: readonly Task[];
  readonly concurrency: number;
  /**
   * After a failure: `never` begins nothing more, `dependencies-successful` goes on with what does not
   * need the failed task, `always` goes on with everything.
   */
  readonly continueAfterFailure: ContinueMode;
  readonly signal: AbortSignal;
  /** Does the task. What it throws is a bug: the schedule fails with it, once all other turns have ended. */
  readonly turn: (task: Task) => Promise<TurnOutcome>;
  /** Told at once of the first error thrown, to end the turns that run. */
  readonly onThrown: () => void;
  readonly onPassedOver: (task: Task, why: PassedOver) => void;
}

export const CONTINUE_MODES = ['never', 'dependencies-successful', 'always'] as const;
export type ContinueMode = (typeof CONTINUE_MODES)[number];

/** Gives every task its turn after all it depends on, several side by side. */
export function schedule(options: ScheduleOptions): Promise<void> {
  return new Scheduler(options).run();
}

class Scheduler {
  readonly #options: ScheduleOptions;
  readonly #waitingFor = new Map<Task, number>();
  readonly #dependents = new Map<Task, Task[]>();
  /** Ready, in the order of the graph: depth first keeps related work together. */
  readonly #ready: Task[] = [];
  readonly #blocked = new Set<Task>();
  #running = 0;
  #stopped = false;
  #thrown: { readonly error: unknown } | undefined;
  #left: number;
  readonly #finished = Promise.withResolvers<void>();

  constructor(options: ScheduleOptions) {
    this.#options = options;
    this.#left = options.tasks.length;
    for (const task of options.tasks) {
      this.#waitingFor.set(task, task.dependencies.length);
      for (const dependency of task.dependencies) {
        const dependents = this.#dependents.get(dependency);
        if (dependents) dependents.push(task);
        else this.#dependents.set(dependency, [task]);
      }
      if (task.dependencies.length === 0) this.#ready.push(task);
    }
  }

  run(): Promise<void> {
    this.#proceed();
    return this.#finished.promise;
  }

  #proceed(): void {
    while (this.#running < this.#options.concurrency) {
      const task = this.#ready.shift();
      if (!task) break;
      const why = this.#passOver(task);
      if (why === undefined) this.#begin(task);
      else this.#tellPassedOver(task, why);
    }
    if (this.#left > 0) return;
    if (this.#thrown) this.#finished.reject(this.#thrown.error);
    else this.#finished.resolve();
  }

  #tellPassedOver(task: Task, why: PassedOver): void {
    try {
      this.#options.onPassedOver(task, why);
    } catch (error) {
      this.#break(error);
    }
    this.#settle(task, why !== 'run-stopped');
  }

  #passOver(task: Task): PassedOver | undefined {
    if (this.#options.signal.aborted || this.#thrown) return 'interrupted';
    if (this.#blocked.has(task)) return 'dependency-failed';
    return this.#stopped ? 'run-stopped' : undefined;
  }

  #begin(task: Task): void {
    this.#running++;
    Promise.try(this.#options.turn, task)
      .catch((error: unknown): TurnOutcome => {
        this.#break(error);
        return 'interrupted';
      })
      .then((outcome) => {
        this.#running--;
        const failed = outcome !== 'done';
        if (failed && this.#options.continueAfterFailure === 'never') this.#stopped = true;
        this.#settle(task, failed && this.#options.continueAfterFailure !== 'always');
        this.#proceed();
      });
  }

  #break(error: unknown): void {
    if (this.#thrown) return;
    this.#thrown = { error };
    this.#options.onThrown();
  }

  #settle(task: Task, blocksDependents: boolean): void {
    this.#left--;
    for (const dependent of this.#dependents.get(task) ?? []) {
      if (blocksDependents) this.#blocked.add(dependent);
      const waitingFor = (this.#waitingFor.get(dependent) ?? 0) - 1;
      this.#waitingFor.set(dependent, waitingFor);
      if (waitingFor === 0) this.#ready.push(dependent);
    }
  }
}
