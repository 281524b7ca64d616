import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import { hostNetwork } from '../../base/ip-address.ts';
import type { Rate } from '../../base/rate.ts';
import type { TrustedProxies } from '../../http/trusted-proxies.ts';
import type { Access } from '../access.ts';
import type { LimitMetrics } from './metrics.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { LimitSettings } from './settings.ts';
import type { Limited } from './token-limits.ts';

/** Why a request may not pass now. */
export interface LimitRefusal {
  readonly by: 'token' | 'address';
  readonly what: Limited;
  readonly rate: Rate;
  /** More than 0. */
  readonly waitMs: number;
}

/** Takes what a request turned out to cost. */
export type Charge = (amount: number) => void;

type Rates = { readonly [What in Limited]?: Rate | undefined };

export interface RateLimitsSurroundings {
  readonly clock: Clock;
  readonly metrics: LimitMetrics;
  /** Tells whose address counts. */
  readonly proxies: TrustedProxies;
}

/**
 * What each token and each client address may ask and move. Held by this process alone: replicas count for
 * themselves, and a restart begins with full allowances.
 */
export class RateLimits {
  readonly #tokenRates: Rates;
  readonly #addressRates: Rates;
  readonly #tokens: RateLimiters;
  readonly #addresses: RateLimiters;
  readonly #proxies: TrustedProxies;
  readonly #metrics: LimitMetrics;

  constructor(settings: Partial<LimitSettings>, { clock, metrics, proxies }: RateLimitsSurroundings) {
    const { limitRequests, limitBytes, limitAddressRequests, limitAddressBytes } = settings;
    this.#tokenRates = { requests: limitRequests, bytes: limitBytes };
    this.#addressRates = { requests: limitAddressRequests, bytes: limitAddressBytes };
    this.#tokens = { requests: new RateLimiter(clock), bytes: new RateLimiter(clock) };
    this.#addresses = { requests: new RateLimiter(clock), bytes: new RateLimiter(clock) };
    this.#proxies = proxies;
    this.#metrics = metrics;
  }

  /** Whether there is anything to do for addresses. Tokens may get limits while the server runs. */
  get limitsAddresses(): boolean {
    return this.#addressRates.requests !== undefined || this.#addressRates.bytes !== undefined;
  }

  /** Who is asking, as it is counted: an IPv4 address, or an IPv6 network. */
  addressOf(request: IncomingMessage): string {
    return hostNetwork(this.#proxies.clientOf(request));
  }

  /** Counts one request of the address, or says why it may not pass. What is refused is not counted. */
  admitAddress(address: string): LimitRefusal | undefined {
    return this.#admit('address', address, this.#addressRates, this.#addresses);
  }

  /** Likewise of a token. */
  admitToken(access: Access): LimitRefusal | undefined {
    return this.#admit('token', access.id, this.#ratesOf(access), this.#tokens);
  }

  /** The same in short, for whoever leaves it to `admitToken` to refuse: that it may not pass is not put down here. */
  letPass(access: Access): boolean {
    const rates = this.#ratesOf(access);
    if (refusalOf(access.id, rates, this.#tokens)) return false;
    chargeRequest(access.id, rates, this.#tokens);
    return true;
  }

  /** How to charge a token for more than the one request that was counted; `undefined` where it has no such limit. */
  tokenCharge(access: Access, what: Limited): Charge | undefined {
    const rate = this.#ratesOf(access)[what];
    return rate && ((amount) => this.#tokens[what].charge(access.id, rate, amount));
  }

  /** How to charge whoever sent the request for bytes that moved; `undefined` where addresses have no such limit. */
  transferCharge(request: IncomingMessage): Charge | undefined {
    const rate = this.#addressRates.bytes;
    if (!rate) return undefined;
    const address = this.addressOf(request);
    return (bytes) => this.#addresses.bytes.charge(address, rate, bytes);
  }

  #ratesOf({ limits }: Access): Rates {
    if (!limits) return this.#tokenRates;
    const { requests = this.#tokenRates.requests, bytes = this.#tokenRates.bytes } = limits;
    return {
      requests: requests === 'none' ? undefined : requests,
      bytes: bytes === 'none' ? undefined : bytes,
    };
  }

  #admit(
    by: LimitRefusal['by'],
    subject: string,
    rates: Rates,
    limiters: RateLimiters,
  ): LimitRefusal | undefined {
    const refusal = refusalOf(subject, rates, limiters);
    if (refusal) {
      this.#metrics.limited.inc({ by, what: refusal.what });
      return { by, ...refusal };
    }
    chargeRequest(subject, rates, limiters);
    return undefined;
  }
}

type RateLimiters = Readonly<Record<Limited, RateLimiter>>;

function chargeRequest(subject: string, { requests }: Rates, limiters: RateLimiters): void {
  if (requests) limiters.requests.charge(subject, requests, 1);
}

function refusalOf(
  subject: string,
  rates: Rates,
  limiters: RateLimiters,
): Omit<LimitRefusal, 'by'> | undefined {
  for (const what of ['bytes', 'requests'] as const) {
    const rate = rates[what];
    if (!rate) continue;
    const waitMs = limiters[what].waitMs(subject, rate);
    if (waitMs > 0) return { what, rate, waitMs };
  }
  return undefined;
}
