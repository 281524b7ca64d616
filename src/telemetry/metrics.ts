/**
 * What all metrics share. A folder declares its own in a `metrics.ts`, as a function of
 * the registry: one registry a server, so that two servers in one process count apart.
 */

/** Seconds; from a memory hit to a slow cross-region call. */
export const LATENCY_BUCKETS = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
];
