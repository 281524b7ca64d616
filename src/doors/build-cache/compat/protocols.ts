import type { BuildCacheMetrics } from '../metrics.ts';
import type { Protocol } from './protocol.ts';
import { turborepo } from './turborepo.ts';

/** All that are served; one file each beside this one. */
export function allProtocols(metrics: BuildCacheMetrics): readonly Protocol[] {
  return [turborepo(metrics)];
}
