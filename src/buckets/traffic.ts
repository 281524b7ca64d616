import type { Clock } from '../base/clock.ts';
import { Throughput } from '../telemetry/throughput.ts';
import type { BucketMetrics } from './metrics.ts';

/** Counts the bytes of objects: in all, and how many pass now. */
export class BucketTraffic {
  readonly egress: Throughput;
  readonly ingress: Throughput;
  readonly #metrics: BucketMetrics;

  constructor(metrics: BucketMetrics, clock: Clock) {
    this.#metrics = metrics;
    [this.egress, this.ingress] = [new Throughput(clock), new Throughput(clock)];
  }

  /** To a client. */
  sent(bytes: number): void {
    this.#metrics.bytes.inc('egress', bytes);
    this.egress.add(bytes);
  }

  /** From a client. */
  received(bytes: number): void {
    this.#metrics.bytes.inc('ingress', bytes);
  }

  /** From a bucket. */
  fetched(bytes: number): void {
    this.#metrics.bytes.inc('fetched', bytes);
    this.ingress.add(bytes);
  }
}
