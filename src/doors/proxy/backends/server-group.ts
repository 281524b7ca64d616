import { VelocityError } from '../../../base/errors.ts';
import type {
  OriginClient,
  OriginHooks,
  OriginRequest,
  OriginResponse,
  SwitchedProtocol,
} from '../origin/origin-client.ts';
import { OriginError, type OriginFailure } from '../origin/origin-error.ts';
import { maySendAgain } from '../origin/sent-again.ts';

export interface GroupedServer {
  readonly client: OriginClient;
  readonly isWell: boolean;
}

export interface ServerGroupOptions {
  /** One at least. */
  readonly servers: readonly GroupedServer[];
  /** On how many others a request is tried. */
  readonly retries: number;
  readonly onRetry: () => void;
}

/** No connection came about, so nothing was said. */
const UNSAID: ReadonlySet<OriginFailure> = new Set(['refused', 'timeout-connect']);
const BROKEN: ReadonlySet<OriginFailure> = new Set([...UNSAID, 'reset']);

/**
 * Servers of the same content, as one origin: those that are well take turns. Where one takes no connection or breaks it
 * off before anything of an answer was seen, another one is asked what may be asked twice. Where none is well it fails at
 * once with `BACKEND_SICK`, and asks nobody.
 */
export class ServerGroup implements OriginClient {
  readonly #options: ServerGroupOptions;
  #turn = 0;

  constructor(options: ServerGroupOptions) {
    this.#options = options;
  }

  get isHealthy(): boolean {
    return this.#options.servers.some((server) => server.isWell);
  }

  send(request: OriginRequest, hooks: OriginHooks = {}): Promise<OriginResponse> {
    const failures = maySendAgain(request) ? BROKEN : NONE;
    return this.#tryEach(failures, hooks, (client, watched) => client.send(request, watched));
  }

  upgrade(
    request: Omit<OriginRequest, 'body' | 'trailers'>,
    protocol: string,
    hooks: OriginHooks = {},
  ): Promise<OriginResponse | SwitchedProtocol> {
    return this.#tryEach(UNSAID, hooks, (client, watched) => client.upgrade(request, protocol, watched));
  }

  close(): void {
    for (const { client } of this.#options.servers) client.close();
  }

  /** @param failures after which another one may be asked */
  async #tryEach<T>(
    failures: ReadonlySet<OriginFailure>,
    hooks: OriginHooks,
    ask: (client: OriginClient, hooks: OriginHooks) => Promise<T>,
  ): Promise<T> {
    const [only, another] = this.#options.servers;
    // Nearly all backends have one: there is nobody else to ask, so nothing has to be watched.
    if (only?.isWell && another === undefined) return ask(only.client, hooks);
    const tried: GroupedServer[] = [];
    let isSeen = false;
    const onInterim: OriginHooks['onInterim'] = (status, fields) => {
      isSeen = true;
      hooks.onInterim?.(status, fields);
    };
    let server = this.#next(tried);
    if (!server) throw new VelocityError('BACKEND_SICK', 'The backend is not well; try later.');
    for (;;) {
      tried.push(server);
      try {
        return await ask(server.client, { ...hooks, onInterim });
      } catch (error) {
        const isOver = isSeen || hooks.signal?.aborted || tried.length > this.#options.retries;
        const mayBeTried = !isOver && error instanceof OriginError && failures.has(error.failure);
        const other = mayBeTried ? this.#next(tried) : undefined;
        if (!other) throw error;
        this.#options.onRetry();
        server = other;
      }
    }
  }

  #next(tried: readonly GroupedServer[]): GroupedServer | undefined {
    const { servers } = this.#options;
    for (let step = 0; step < servers.length; step++) {
      const at = (this.#turn + step) % servers.length;
      const server = servers[at];
      if (!server?.isWell || tried.includes(server)) continue;
      this.#turn = at + 1;
      return server;
    }
    return undefined;
  }
}

const NONE: ReadonlySet<OriginFailure> = new Set();
