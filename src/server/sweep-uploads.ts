import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import { UPLOADS_PREFIX } from '../doors/build-cache/scoped-key.ts';
import type { ObjectStore } from '../storage/store.ts';
import type { Logger } from '../telemetry/logger.ts';

/** URLs of uploads open for an hour; what began then may take long to come. */
const ABANDONED_AFTER_MS = 24 * 3600_000;

export interface SweepSurroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly stopped?: AbortSignal | undefined;
}

/**
 * Removes parts of uploads that nobody finished, a day after they came: one listing of what waits, mostly nothing. Any
 * number of servers may do so at once. Trouble is logged, and the next hour comes.
 */
export async function sweepUploads(
  store: ObjectStore,
  { clock, logger, stopped }: SweepSurroundings,
): Promise<void> {
  let removed = 0;
  try {
    for await (const { key, modifiedAt } of store.list({ prefix: UPLOADS_PREFIX })) {
      if (stopped?.aborted) return;
      if (clock.now() - modifiedAt < ABANDONED_AFTER_MS) continue;
      await store.delete(key);
      removed++;
    }
    if (removed > 0) logger.info({ removed }, 'removed parts of uploads that were abandoned');
  } catch (error) {
    if (!stopped?.aborted)
      logger.warn({ reason: messageOf(error) }, 'abandoned uploads could not be removed');
  }
}
