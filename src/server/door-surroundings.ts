import type { Authenticator } from '../auth/authenticator.ts';
import type { RateLimits } from '../auth/limits/rate-limits.ts';
import type { Clock } from '../base/clock.ts';
import type { TrustedProxies } from '../http/trusted-proxies.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ServerMetrics } from './metrics.ts';

/** What every door stands in. */
export interface DoorSurroundings {
  readonly authenticator: Authenticator;
  readonly limits: RateLimits;
  readonly proxies: TrustedProxies;
  readonly metrics: ServerMetrics;
  readonly logger: Logger;
  readonly clock: Clock;
}
