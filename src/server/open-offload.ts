import type { Clock } from '../base/clock.ts';
import { whyOf } from '../base/errors.ts';
import type { OffloadMetrics } from '../doors/offload/metrics.ts';
import {
  type BuildOffload,
  offloadOptionsOf,
  openBuildOffload,
} from '../doors/offload/open-build-offload.ts';
import type { OffloadSettings } from '../doors/offload/settings.ts';
import type { Logger } from '../telemetry/logger.ts';
import { RareWarning } from '../telemetry/rare-warning.ts';

export interface OffloadSurroundings {
  readonly metrics: OffloadMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
}

/**
 * What answers origins that ask for builds; `undefined`: no build server is set.
 * @throws VelocityError `STORAGE_*` where the folder of binaries cannot be used
 */
export async function openOffload(
  settings: OffloadSettings,
  { metrics, logger, clock }: OffloadSurroundings,
): Promise<BuildOffload | undefined> {
  const options = offloadOptionsOf(settings);
  if (options === undefined) return undefined;
  const trouble = new RareWarning({ clock, logger }, 'the folder of built binaries has trouble');
  const offload = await openBuildOffload({
    ...{ ...options, clock },
    onAnswer: (result) => metrics.requests.inc({ result }),
    onBuild({ key, durationMs, error }) {
      metrics.buildSeconds.observe({ outcome: error === undefined ? 'done' : 'failed' }, durationMs / 1000);
      // A failure is told with the request, or the requests, that it is of.
      if (error === undefined) logger.info({ key, durationMs }, 'built a binary');
    },
    onRetry(reason) {
      metrics.retries.inc();
      logger.warn({ code: reason.code, why: whyOf(reason) }, 'a build is tried again');
    },
    onEvict: (reason) => metrics.evictions.inc({ reason }),
    onTrouble(kind, error) {
      metrics.diskTrouble.inc({ kind });
      trouble.happened({ kind, err: error });
    },
  });
  metrics.cache.now = offload.cache;
  return offload;
}
