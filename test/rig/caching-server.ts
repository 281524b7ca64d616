import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { CachingProxy } from '../../src/doors/proxy/cache/caching-proxy.ts';
import {
  type AnswerStoreSettings,
  type OpenAnswerStore,
  openAnswerStore,
} from '../../src/doors/proxy/cache/open-answer-store.ts';
import { PolicySteps } from '../../src/doors/proxy/cache/policy-steps.ts';
import { openOrigin } from '../../src/doors/proxy/origin/open-origin.ts';
import type { OriginClient } from '../../src/doors/proxy/origin/origin-client.ts';
import { ORIGIN_DEFAULTS, type OriginSettings } from '../../src/doors/proxy/origin/origin-settings.ts';
import { followsRefusal, refuseOddities, refuseRequest } from '../../src/doors/proxy/origin/refusal.ts';
import { admitRequest, REQUEST_LIMITS } from '../../src/doors/proxy/origin/request-hygiene.ts';
import type { Policy } from '../../src/doors/proxy/policy/policy.ts';
import type { Findings } from '../../src/doors/proxy/proxy-handler.ts';
import { answerExpectations } from '../../src/http/expect-continue.ts';
import { toProblem, writeProblem } from '../../src/http/problem.ts';
import type { ResponseInterceptor } from '../../src/http/response-interceptor.ts';
import { TrustedProxies } from '../../src/http/trusted-proxies.ts';
import { endToEnd } from '../../src/http-cache/end-to-end.ts';
import { type CachePolicy, RFC_POLICY } from '../../src/http-cache/policy.ts';
import { openLogger } from '../../src/telemetry/logger.ts';

export interface CachingServerOptions {
  readonly origin: string;
  readonly settings?: Partial<AnswerStoreSettings>;
  readonly policy?: Partial<CachePolicy>;
  readonly client?: Partial<OriginSettings>;
  readonly clock?: Clock;
  /** Proxies that are believed. */
  readonly trusted?: readonly string[];
  readonly interceptors?: readonly ResponseInterceptor[];
  /** A policy at work. */
  readonly module?: Policy;
}

const SETTINGS: AnswerStoreSettings = {
  maxEntries: 10_000,
  maxMemory: 64 * 1024 * 1024,
  maxObjectSize: 16 * 1024 * 1024,
  eviction: 'lru',
};

/** A caching proxy before one origin, with nothing else around it. */
export class CachingServer implements AsyncDisposable {
  readonly url: string;
  readonly opened: OpenAnswerStore;
  readonly proxy: CachingProxy;
  /** How requests ended, in the order in which they did: what was found out, or the code of what was answered. */
  readonly ends: (Findings | string)[] = [];
  readonly server: Server;
  readonly #client: OriginClient;

  private constructor(server: Server, opened: OpenAnswerStore, options: CachingServerOptions) {
    const { clock = systemClock } = options;
    this.server = server;
    this.opened = opened;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#client = openOrigin({ ...ORIGIN_DEFAULTS, url: options.origin, clock, ...options.client });
    const backend = { name: 'default', client: this.#client, host: undefined, isHealthy: true };
    this.proxy = new CachingProxy({
      ...{ store: opened.store, purges: opened.purges, clock },
      policy: { ...RFC_POLICY, ...options.policy },
      steps: new PolicySteps(options.module),
      interceptors: options.interceptors ?? [],
      backends: { choose: () => backend },
      forwarding: { endToEnd, trusted: new TrustedProxies(options.trusted), via: 'velocity' },
      logger: openLogger('silent'),
      name: 'velocity',
    });
    this.#listen();
  }

  static async start(options: CachingServerOptions): Promise<CachingServer> {
    const { clock = systemClock } = options;
    const opened = await openAnswerStore(
      { ...SETTINGS, ...options.settings },
      { policy: { ...RFC_POLICY, ...options.policy }, clock, onDiskTrouble() {} },
    );
    const server = createServer({ requestTimeout: 0, requireHostHeader: false, keepAliveTimeout: 72_000 });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new CachingServer(server, opened, options);
  }

  #listen(): void {
    answerExpectations(this.server);
    refuseOddities(this.server);
    this.server.on('request', async (message, response) => {
      if (followsRefusal(message)) return;
      let isAdmitted = false;
      try {
        const admitted = admitRequest(message, REQUEST_LIMITS);
        isAdmitted = true;
        const findings: Findings = { outcome: 'refused' };
        await this.proxy.handle({ message, response, admitted }, findings);
        this.ends.push(findings);
      } catch (error) {
        const problem = toProblem(error, 'id');
        this.ends.push(problem.code);
        if (isAdmitted) writeProblem(response, problem);
        else refuseRequest(response, problem);
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
    await this.opened.close();
  }
}
