import { limitSettings } from '../auth/limits/settings.ts';
import { authSettings } from '../auth/settings.ts';
import { cacheSettings } from '../cache/settings.ts';
import { addressRanges, byteSize, duration, httpUrl, oneOf, text } from '../config/kinds.ts';
import type { SectionAliases } from '../config/section-alias.ts';
import { joinSettings, type Values } from '../config/setting.ts';
import { buildCacheSettings } from '../doors/build-cache/settings.ts';
import { offloadSettings } from '../doors/offload/settings.ts';
import { policySettings } from '../doors/proxy/policy/settings.ts';
import { proxySettings } from '../doors/proxy/settings.ts';
import { filesSettings } from '../files/settings.ts';
import { REQUEST_LOGS } from '../http/request-records.ts';
import { storageSettings } from '../storage/settings.ts';
import { LOG_LEVELS } from '../telemetry/logger.ts';
import { listenSettings } from './listen-address.ts';
import { metricsListenSettings } from './metrics-listener.ts';
import { sentrySettings } from './sentry-settings.ts';

/** All settings of `velocity serve`: the server's own and those of the folders it assembles. */
export const serverSettings = joinSettings(
  listenSettings,
  {
    publicUrl: {
      key: 'public_url',
      kind: httpUrl(),
      doc: 'How clients reach this server, for the URLs it hands out. Without it, the Host header of each request.',
    },
    trustedProxies: {
      key: 'trusted.proxies',
      kind: addressRanges(),
      doc: 'Whose `X-Forwarded-For` is believed for the client’s address. Without it, whoever is at the other end of the connection is the client.',
    },
  },
  authSettings,
  limitSettings,
  storageSettings,
  {
    urlTtl: {
      key: 'url.ttl',
      kind: duration(),
      default: 15 * 60_000,
      doc: 'How long an upload or download URL may be used to begin a transfer.',
    },
    maxArtifactBytes: {
      key: 'artifact.max_size',
      kind: byteSize(),
      default: 5 * 2 ** 30,
      doc: 'Largest artifact that is accepted through this server.',
    },
  },
  buildCacheSettings,
  cacheSettings,
  filesSettings,
  proxySettings,
  metricsListenSettings,
  policySettings,
  offloadSettings,
  {
    drainDelay: {
      key: 'drain.delay',
      kind: duration(),
      default: 0,
      doc: 'After SIGTERM, how long to go on accepting while /ready says no, so that load balancers notice first.',
    },
    drainTimeout: {
      key: 'drain.timeout',
      kind: duration(),
      default: 30_000,
      doc: 'After SIGTERM, how long transfers under way may take to finish.',
    },
    logLevel: {
      key: 'log.level',
      kind: oneOf(LOG_LEVELS),
      default: 'info',
      doc: 'Least important log line shown.',
    },
    logRequests: {
      key: 'log.requests',
      kind: oneOf(REQUEST_LOGS),
      default: 'all',
      doc: 'Which requests get a log line.',
    },
    auditFile: {
      key: 'audit.file',
      kind: text(),
      doc: 'File that gets a JSON line for each entry that an admin deletes or replaces, for each mount that one makes, changes or takes away, for each purge and ban of a proxy’s stored responses, and for each such request that is refused. Without it the lines go to the log, at every level of it but `silent`.',
    },
  },
  sentrySettings,
);

export type ServerSettings = Values<typeof serverSettings>;

/** velox-middleware calls what it does by the name of its build server. */
export const serverSectionAliases: SectionAliases = { velox: 'builds' };
