import type { Clock } from '../base/clock.ts';
import { Singleflight } from '../base/singleflight.ts';
import type { HttpApp } from '../http/listener.ts';
import type { ObjectStore } from '../storage/store.ts';
import type { Logger } from '../telemetry/logger.ts';

/** Probes come often and from many sides; the storage is asked at most this often. */
const PROBE_KEPT_MS = 5_000;
const PROBE_TIMEOUT_MS = 3_000;

export type Readiness = 'ready' | 'draining' | 'storage-unavailable';

/** Whether this server should be sent requests. */
export class Health {
  readonly #store: ObjectStore | undefined;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #probes = new Singleflight<boolean>();
  #probed: { readonly at: number; readonly well: boolean } | undefined;
  #draining = false;

  /** @param store without which there is nothing to send requests for; a gateway's stores may come and go */
  constructor(store: ObjectStore | undefined, clock: Clock, logger: Logger) {
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** From now on: not ready. */
  drain(): void {
    this.#draining = true;
  }

  async readiness(): Promise<Readiness> {
    if (this.#draining) return 'draining';
    const kept =
      this.#probed && this.#clock.elapsed() - this.#probed.at < PROBE_KEPT_MS ? this.#probed : undefined;
    const well = kept ? kept.well : await this.#probes.run('storage', () => this.#probe());
    return well ? 'ready' : 'storage-unavailable';
  }

  async #probe(): Promise<boolean> {
    const timeout = new AbortController();
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = this.#clock.after(PROBE_TIMEOUT_MS, () => {
      timeout.abort();
      reject(new Error(`no answer in ${PROBE_TIMEOUT_MS} ms`));
    });
    let well = true;
    try {
      await Promise.race([this.#store?.probe(timeout.signal), late]);
    } catch (error) {
      well = false;
      this.#logger.error({ err: error }, 'the storage does not answer as it should');
    } finally {
      cancel();
    }
    this.#probed = { at: this.#clock.elapsed(), well };
    return well;
  }
}

/** `/health` says that the process answers; `/ready` that it should be sent requests. Neither asks for a token. */
export function registerHealth(app: HttpApp, health: Health): void {
  app.get('/health', async () => ({ status: 'up' }));
  app.get('/ready', async (_request, reply) => {
    const status = await health.readiness();
    return reply.code(status === 'ready' ? 200 : 503).send({ status });
  });
}
