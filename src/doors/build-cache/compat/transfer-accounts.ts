import type { FastifyRequest } from 'fastify';
import type { Access } from '../../../auth/access.ts';
import type { RateLimits } from '../../../auth/limits/rate-limits.ts';
import { accessOf } from '../../../auth/require-bearer.ts';
import type { OnBytes } from '../../../http/transfer.ts';
import type { PutOutcome } from '../../../storage/store.ts';
import type { BuildCacheMetrics } from '../metrics.ts';

export interface TransferAccountsOptions {
  readonly metrics: BuildCacheMetrics;
  readonly limits?: RateLimits | undefined;
}

/** What a protocol's transfers are counted as, and who is charged for them. */
export class TransferAccounts {
  /** In metrics. */
  readonly protocol: string;
  readonly #metrics: BuildCacheMetrics;
  readonly #limits: RateLimits | undefined;

  constructor({ metrics, limits }: TransferAccountsOptions, protocol: string) {
    this.protocol = protocol;
    this.#metrics = metrics;
    this.#limits = limits;
  }

  hit(): void {
    this.#metrics.hits.inc({ protocol: this.protocol });
  }

  miss(): void {
    this.#metrics.misses.inc({ protocol: this.protocol });
  }

  moved(direction: 'read' | 'write', route: 'proxied' | 'presigned', bytes: number): void {
    this.#metrics.bytes.inc({ protocol: this.protocol, direction, route }, bytes);
  }

  uploaded(outcome: PutOutcome | 'forbidden' | 'failed'): void {
    this.#metrics.uploads.inc({
      protocol: this.protocol,
      outcome: outcome === 'forbidden' ? 'refused' : outcome,
    });
  }

  /** Charges whoever sent the request, token and address, for what passes. */
  chargeOf(request: FastifyRequest): OnBytes | undefined {
    const ofToken = this.chargeOfToken(request);
    const ofAddress = this.chargeOfAddress(request);
    if (!ofToken || !ofAddress) return ofToken ?? ofAddress;
    return (bytes) => {
      ofToken(bytes);
      ofAddress(bytes);
    };
  }

  chargeOfToken(request: FastifyRequest): OnBytes | undefined {
    return this.#limits?.tokenCharge(accessOf(request), 'bytes');
  }

  chargeOfAddress({ raw }: FastifyRequest): OnBytes | undefined {
    return this.#limits?.transferCharge(raw);
  }

  /** For bytes that pass elsewhere, or have passed. */
  chargeToken(access: Access, bytes: number): void {
    this.#limits?.tokenCharge(access, 'bytes')?.(bytes);
  }
}
