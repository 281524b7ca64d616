import type { RunEvent } from '../../runner/events.ts';

/** Shows a run to somebody. */
export interface Reporter {
  on(event: RunEvent): void;
}

/** Which tasks' logs are shown: all, those that really ran, those that failed, only keys, nothing. */
export const OUTPUT_LOGS = ['full', 'new-only', 'errors-only', 'hash-only', 'none'] as const;
export type OutputLogs = (typeof OUTPUT_LOGS)[number];

/** `stream`: lines as they come, each with its task's name. `grouped`: each task's log in one piece when it is done. */
export const LOG_ORDERS = ['stream', 'grouped'] as const;
export type LogOrder = (typeof LOG_ORDERS)[number];
