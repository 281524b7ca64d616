/** What other programs may build on: the runner as a library, and build offload as middleware. */
export { ERRORS, type ErrorCode, VelocityError } from './base/errors.ts';
export {
  type BuildOffload,
  type BuildOffloadOptions,
  openBuildOffload,
} from './doors/offload/open-build-offload.ts';
export { interceptResponses, type NodeMiddleware } from './http/intercept-responses.ts';
export type { ResponseInterceptor } from './http/response-interceptor.ts';
export type { CacheAccess } from './runner/artifact-cache.ts';
export type { HitSource, NotStored, RunEvent, RunSummary, TaskOutcome } from './runner/events.ts';
export { type Foreseen, plan, type RunOptions, type RunPlan, run } from './runner/run.ts';
