import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { forward } from '../../src/doors/proxy/origin/forward.ts';
import type { ForwardOptions } from '../../src/doors/proxy/origin/forwarding.ts';
import { openOrigin } from '../../src/doors/proxy/origin/open-origin.ts';
import type { OriginClient } from '../../src/doors/proxy/origin/origin-client.ts';
import { ORIGIN_DEFAULTS, type OriginSettings } from '../../src/doors/proxy/origin/origin-settings.ts';
import { followsRefusal, refuseOddities, refuseRequest } from '../../src/doors/proxy/origin/refusal.ts';
import { admitRequest, REQUEST_LIMITS } from '../../src/doors/proxy/origin/request-hygiene.ts';
import { type TunnelSettings, Tunnels } from '../../src/doors/proxy/origin/tunnels.ts';
import { answerExpectations } from '../../src/http/expect-continue.ts';
import { toProblem, writeProblem } from '../../src/http/problem.ts';
import { TrustedProxies } from '../../src/http/trusted-proxies.ts';
import { type Fields, withoutFields } from '../../src/http-cache/fields.ts';
import { fieldMembers } from '../../src/http-cache/list-members.ts';
import { ManualClock } from './manual-clock.ts';
import { type Script, ScriptedOrigin } from './scripted-origin.ts';

export interface BareProxyOptions {
  readonly origin?: Partial<OriginSettings>;
  readonly forward?: Partial<ForwardOptions>;
  readonly tunnels?: Partial<TunnelSettings>;
}

/** Those of our servers; a missing Host is for `admitRequest`, or Node would go on behind it. */
const PARSER_SETTINGS = { headersTimeout: 15_000, requestTimeout: 0, requireHostHeader: false };

/** A proxy that keeps nothing before a scripted origin. */
export class BareProxy implements AsyncDisposable {
  readonly url: string;
  readonly origin: ScriptedOrigin;
  readonly tunnels: Tunnels;
  /** How requests ended: `whole`, `aborted`, or with the code of what was answered. */
  readonly ends: string[] = [];
  readonly clock: ManualClock;
  readonly #server: Server;
  readonly #client: OriginClient;

  private constructor(origin: ScriptedOrigin, server: Server, options: BareProxyOptions) {
    this.clock = new ManualClock();
    this.origin = origin;
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { clock } = this;
    this.#client = openOrigin({ ...ORIGIN_DEFAULTS, url: origin.url, clock, ...options.origin });
    this.tunnels = new Tunnels({
      protocols: ['websocket'],
      idleTimeout: 1_000,
      limit: 2,
      clock,
      ...options.tunnels,
    });
  }

  static async start(scripts: readonly Script[], options: BareProxyOptions = {}): Promise<BareProxy> {
    const server = createServer({ ...PARSER_SETTINGS, keepAliveTimeout: 72_000 });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new BareProxy(await ScriptedOrigin.start(scripts), server, options);
    proxy.#listen({ endToEnd, trusted: new TrustedProxies(), via: 'velocity', ...options.forward });
    return proxy;
  }

  #listen(options: ForwardOptions): void {
    answerExpectations(this.#server);
    refuseOddities(this.#server);
    this.#server.on('request', async (message, response) => {
      if (followsRefusal(message)) return;
      let isAdmitted = false;
      try {
        const admitted = admitRequest(message, REQUEST_LIMITS);
        isAdmitted = true;
        this.ends.push(await forward({ message, response, admitted }, this.#client, options));
      } catch (error) {
        const problem = toProblem(error, 'id');
        this.ends.push(problem.code);
        if (isAdmitted) writeProblem(response, problem);
        else refuseRequest(response, problem);
      }
    });
    Object.assign(this.#server, { shouldUpgradeCallback: this.tunnels.takes });
    this.#server.on('upgrade', async (message, socket, head) => {
      if (followsRefusal(message)) return;
      try {
        const admitted = admitRequest(message, REQUEST_LIMITS);
        await this.tunnels.open({ message, admitted, socket, head }, this.#client, options);
      } catch {
        socket.destroy();
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.tunnels.close();
    this.#client.close();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
    await this.origin[Symbol.asyncDispose]();
  }
}

/** As much of RFC 9110 §7.6.1 as tests need. */
function endToEnd(fields: Fields): Fields {
  const named = fieldMembers(fields, 'connection').map((name) => name.toLowerCase());
  const names = ['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', ...named];
  return withoutFields(fields, new Set(names.filter((name) => name !== 'host' && name !== 'content-length')));
}
