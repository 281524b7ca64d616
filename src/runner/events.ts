import type { CacheKey } from '../base/cache-key.ts';
import type { PassedOver } from './executor/schedule.ts';
import type { Task, TaskId } from './task-graph/task.ts';

/** Where a hit came from. `unchanged`: the outputs of the last run are still in place, nothing was moved. */
export type HitSource = 'unchanged' | 'local' | 'remote';

/** Why a task that ended well was not kept. */
export type NotStored =
  | 'cache-off'
  | 'not-writable'
  | 'inputs-changed'
  /** A task it depends on failed, or was not kept for its inputs changed: what this one read is not what its key says. */
  | 'dependency-unsettled'
  | 'uncacheable-output'
  | 'store-failed';

/** How a task's turn ended. */
export type TaskOutcome =
  | {
      readonly status: 'hit';
      readonly source: HitSource;
      readonly savedMs: number;
      readonly durationMs: number;
      readonly sizeBytes: number;
    }
  | { readonly status: 'executed'; readonly durationMs: number; readonly stored: 'stored' | NotStored }
  | { readonly status: 'failed'; readonly exitCode: number; readonly durationMs: number }
  | { readonly status: 'interrupted' }
  | { readonly status: 'passed-over'; readonly why: PassedOver };

/** What happens in a run, in the order it does. The runner prints nothing: whoever listens does. */
export type RunEvent =
  | { readonly type: 'begin'; readonly tasks: number; readonly packages: number; readonly remote: boolean }
  | { readonly type: 'task-begin'; readonly task: Task; readonly key: CacheKey }
  | { readonly type: 'task-output'; readonly task: Task; readonly chunk: Buffer }
  /** `log` is what the task printed when it ran; read when asked for. */
  | {
      readonly type: 'task-end';
      readonly task: Task;
      readonly key: CacheKey;
      readonly outcome: TaskOutcome;
      readonly log: () => Buffer;
    }
  /** Said once each; the run goes on. */
  | { readonly type: 'warning'; readonly message: string; readonly task?: TaskId }
  /** Said once, and nothing is wrong. */
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'uploads'; readonly waitingFor: number }
  | { readonly type: 'end'; readonly summary: RunSummary };

export interface RunSummary {
  readonly tasks: number;
  readonly hits: Readonly<Record<HitSource, number>>;
  readonly executed: number;
  readonly failed: readonly TaskId[];
  readonly passedOver: number;
  /** What the hits took when they ran. */
  readonly savedMs: number;
  readonly durationMs: number;
  /** 0, the highest exit code of a task, or 130 where the run was interrupted. */
  readonly exitCode: number;
}
