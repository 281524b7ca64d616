import { type Clock, systemClock } from '../base/clock.ts';
import type { BuildOffload } from '../doors/offload/open-build-offload.ts';
import { TransactionLog } from '../doors/proxy/admin/transaction-log.ts';
import { Backends } from '../doors/proxy/backends/backends.ts';
import { HARMLESS_TO_HITS } from '../doors/proxy/cache/hot-hits.ts';
import { Tunnels } from '../doors/proxy/origin/tunnels.ts';
import { openPolicy } from '../doors/proxy/policy/open-policy.ts';
import type { Policy } from '../doors/proxy/policy/policy.ts';
import type { Forwarding } from '../doors/proxy/proxy-handler.ts';
import type { OnTransaction } from '../doors/proxy/transaction.ts';
import type { FastPathOptions } from '../http/fast-path.ts';
import { RequestRecords, type RequestRecordsOptions } from '../http/request-records.ts';
import { TrustedProxies } from '../http/trusted-proxies.ts';
import { endToEnd } from '../http-cache/end-to-end.ts';
import { AuditLog } from '../telemetry/audit-log.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Health } from './health.ts';
import type { LoadedSettings } from './load-settings.ts';
import { openMetrics, type ServerMetrics } from './metrics.ts';
import { openOffload } from './open-offload.ts';
import { type OpenProxyCache, openProxyCache } from './open-proxy-cache.ts';
import { openListener, type ProxyListener } from './proxy-listener.ts';
import { ProxyRecords } from './proxy-records.ts';
import { ProxyRequests } from './proxy-requests.ts';
import type { ServerSettings } from './settings.ts';

export interface ProxyServerSurroundings {
  readonly logger: Logger;
  readonly version: string;
  readonly clock?: Clock;
  /** Those of the server beside it. */
  readonly metrics?: ServerMetrics;
  /** Of the server beside it, which then waits until load balancers have noticed that it drains. */
  readonly health?: Health;
  readonly onTrace?: RequestRecordsOptions['onTrace'];
  /** Told of every request. */
  readonly onTransaction?: OnTransaction;
}

/** What the settings describe, opened. */
export interface ProxyParts {
  readonly backends: Backends;
  readonly cache: OpenProxyCache;
  readonly offload: BuildOffload | undefined;
  readonly policy: Policy | undefined;
  readonly tunnels: Tunnels | undefined;
  readonly requests: ProxyRequests;
  readonly listener: ProxyListener;
  readonly log: TransactionLog;
  readonly audit: AuditLog;
  readonly metrics: ServerMetrics;
}

/** Of the parts what there is to close. */
interface Opened extends Pick<ProxyParts, 'backends' | 'offload' | 'policy'> {
  readonly cache: OpenProxyCache | undefined;
  readonly listener?: ProxyListener;
}

/** Our name in Via. */
const VIA = 'velocity';

/** @throws VelocityError `TLS_INVALID`, `POLICY_INVALID` or `STORAGE_*`, each in words for an operator */
export async function openProxyParts(
  { values: settings, backends: configs }: Pick<LoadedSettings, 'values' | 'backends'>,
  { logger, version, clock = systemClock, metrics: given, onTrace, onTransaction }: ProxyServerSurroundings,
): Promise<ProxyParts> {
  const metrics = given ?? openMetrics(version);
  const { http, proxy } = metrics;
  const trusted = new TrustedProxies(settings.trustedProxies);
  const forwarding: Forwarding = { endToEnd, trusted, via: VIA };
  const audit = new AuditLog(settings.auditFile, clock, logger);
  const backends = new Backends(configs, { clock, logger, metrics: proxy });
  const policy = await openPolicy(settings, {
    ...{ clock, logger },
    onFailure: (kind, hook) => proxy.policyFailures.inc({ kind, hook }),
  });
  let offload: BuildOffload | undefined;
  let cache: OpenProxyCache | undefined;
  try {
    offload = await openOffload(settings, { metrics: metrics.offload, logger, clock });
    const interceptors = offload ? [offload.interceptor] : [];
    const around = { backends, forwarding, policy, interceptors, metrics: proxy, clock, logger };
    cache = await openProxyCache(settings, around);
  } catch (error) {
    await closeProxyParts({ backends, cache, offload, policy });
    throw error;
  }
  const tunnels = settings.proxyWebsockets ? openTunnels(settings, clock) : undefined;
  const log = new TransactionLog({ clock });
  const records = new ProxyRecords({
    records: new RequestRecords({ logger, metrics: http, clock, requestLog: settings.logRequests, onTrace }),
    ...{ metrics: proxy, trusted, clock },
    onTransaction: (transaction) => {
      log.add(transaction);
      onTransaction?.(transaction);
    },
  });
  const requests = new ProxyRequests({
    ...{ handler: cache.handler, backends, forwarding, tunnels, logger, records },
    ...{ inFlight: http.inFlight, tunnelled: proxy.tunnels },
    idleTimeout: settings.proxyIdleTimeout,
  });
  const fast: FastPathOptions = {
    answer: (request, _connection, address) => cache.hits.answer(request, address),
    records: { ended: (request) => records.hit(request) },
    handle: (message, response) => requests.handle(message, response),
    stallTimeout: settings.proxyIdleTimeout,
    maxHeadBytes: settings.proxyMaxHeaderSize,
    ...{ clock, harmless: HARMLESS_TO_HITS },
  };
  try {
    const listener = openListener(settings, requests, { clock, logger, fast });
    return { backends, cache, offload, policy, tunnels, requests, listener, log, audit, metrics };
  } catch (error) {
    await closeProxyParts({ backends, cache, offload, policy });
    throw error;
  }
}

export async function closeProxyParts({ listener, cache, offload, policy, backends }: Opened): Promise<void> {
  listener?.close();
  await cache?.handler.close();
  backends.close();
  await offload?.close();
  await cache?.close();
  await policy?.close();
}

function openTunnels(settings: ServerSettings, clock: Clock): Tunnels {
  return new Tunnels({
    protocols: ['websocket'],
    idleTimeout: settings.proxyTunnelIdleTimeout,
    limit: settings.proxyMaxTunnels,
    clock,
  });
}
