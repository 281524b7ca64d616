import type { Authenticator } from '../../auth/authenticator.ts';
import type { RateLimits } from '../../auth/limits/rate-limits.ts';
import type { AuthMetrics } from '../../auth/metrics.ts';
import type { PresignedPaths } from '../../auth/presigned-path.ts';
import type { Clock } from '../../base/clock.ts';
import type { BucketObjects } from '../../buckets/bucket-objects.ts';
import type { FastAnswer } from '../../http/fast-path.ts';
import type { HttpApp } from '../../http/listener.ts';
import type { SimpleRequest } from '../../http/simple-request.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { registerGateway } from './door.ts';
import { HotObjects } from './hot-objects.ts';
import { registerStats } from './stats.ts';

export interface GatewayOptions {
  /** Their owner closes them. */
  readonly objects: BucketObjects;
  readonly authenticator: Authenticator;
  /** Without it no URL is signed for this server. */
  readonly presigned: PresignedPaths | undefined;
  readonly limits: RateLimits;
  readonly authMetrics: AuthMetrics;
  /** Largest object that is accepted. */
  readonly maxUploadBytes: number;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** The object gateway: the objects of buckets under the buckets' names. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #hot: HotObjects;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#hot = new HotObjects(options);
  }

  /** What is in memory, for whoever may have it. */
  answer(request: SimpleRequest, connection: object): FastAnswer | undefined {
    return this.#hot.answer(request, connection);
  }

  register(app: HttpApp): void {
    registerGateway(app, this.#options);
    registerStats(app, this.#options);
  }
}
