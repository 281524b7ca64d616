/** What other programs may build on: the runner as a library. */
export { ERRORS, type ErrorCode, VelocityError } from './base/errors.ts';
export type { CacheAccess } from './runner/artifact-cache.ts';
export type { HitSource, NotStored, RunEvent, RunSummary, TaskOutcome } from './runner/events.ts';
export { type Foreseen, plan, type RunOptions, type RunPlan, run } from './runner/run.ts';
