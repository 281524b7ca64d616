import type { Checked, Mistake } from '../../../config/mistake.ts';
import { type BackendConfig, DEFAULT_BACKEND, originOf } from './backend-config.ts';
import { backendSettings, type GivenBackend } from './backend-settings.ts';

type MistakeAt = (field: string, message: string) => Mistake;

const HOST_PATTERN = /^(?:(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$/;
const HOST_FIELD = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i;
/** Origin-form without a query, and without what clients and origins might each read in their own way. */
const PATH = /^\/[\x21\x24-\x3e\x40-\x5b\x5d-\x7e]*$/;
const TARGET = /^\/[\x21\x22\x24-\x7e]*$/;

/** What each backend is, once its settings agree with each other. @param hasDefault whether `proxy.backend` is set */
export function readBackends(
  given: readonly GivenBackend[],
  hasDefault: boolean,
): Checked<readonly BackendConfig[]> {
  const mistakes = given.flatMap((backend, index) => {
    const at: MistakeAt = (field, message) =>
      backend.mistakeAt(field, `${backendSettings.key}.${backend.name}.${field}: ${message}`);
    return [
      ...routeMistakes(backend, at),
      ...tlsMistakes(backend, at),
      ...probeMistakes(backend, at),
      ...collisions(backend, given.slice(0, index), at),
      ...(hasDefault && backend.name === DEFAULT_BACKEND
        ? [backend.mistakeAt('', `"${DEFAULT_BACKEND}" is the name of proxy.backend: leave one of them out`)]
        : []),
    ];
  });
  if (mistakes.length > 0) return { ok: false, mistakes };
  return { ok: true, value: given.map(toConfig) };
}

function toConfig({ name, values }: GivenBackend): BackendConfig {
  const servers = values.url.map((url) => originOf(url) ?? '');
  const ownHost = values.host ?? new URL(servers[0] ?? '').host;
  return {
    name,
    servers,
    hosts: values.hosts?.map((host) => host.toLowerCase()),
    path: prefixOf(values.path),
    host: values.passHost ? undefined : ownHost,
    limits: {
      connectTimeout: values.connectTimeout,
      headersTimeout: values.firstByteTimeout,
      idleTimeout: values.betweenBytesTimeout,
      maxConnections: values.maxConnections,
      maxHeadBytes: values.maxHeaderSize,
    },
    retries: values.retries,
    probe:
      values.probePath === undefined
        ? undefined
        : {
            target: values.probePath,
            interval: values.probeInterval,
            timeout: values.probeTimeout,
            expected: values.probeStatus,
            window: values.probeWindow,
            threshold: values.probeThreshold,
          },
    tls: {
      ca: values.tlsCa,
      certificate: values.tlsCertificate,
      key: values.tlsKey,
      serverName: values.tlsServerName,
      isVerified: values.tlsVerify,
    },
  };
}

function prefixOf(path: string): string {
  return path.replace(/\/+$/, '');
}

function routeMistakes({ values }: GivenBackend, at: MistakeAt): Mistake[] {
  const { url, hosts = [], path, host, passHost } = values;
  const mistakes = url
    .filter((each) => originOf(each) === undefined)
    .map((each) => at('url', `"${each}" holds more than a host and port; the paths it is for are \`path\``));
  const schemes = new Set(url.map((each) => originOf(each)?.split(':', 1)[0]));
  if (schemes.size > 1) mistakes.push(at('url', 'servers that take turns are all http or all https'));
  for (const each of hosts)
    if (!HOST_PATTERN.test(each.toLowerCase()))
      mistakes.push(at('hosts', `expected hosts such as example.org or *.example.org, found "${each}"`));
  if (!PATH.test(path)) mistakes.push(at('path', `expected a path such as /api, found "${path}"`));
  if (host !== undefined && !HOST_FIELD.test(host))
    mistakes.push(at('host', `expected a host with or without a port, found "${host}"`));
  if (host !== undefined && passHost)
    mistakes.push(at('pass_host', 'host says another one: leave one of them out'));
  return mistakes;
}

function tlsMistakes({ values }: GivenBackend, at: MistakeAt): Mistake[] {
  const { url, tlsCa, tlsCertificate, tlsKey, tlsServerName, tlsVerify } = values;
  const mistakes: Mistake[] = [];
  if (tlsCertificate !== undefined && tlsKey === undefined)
    mistakes.push(at('tls_key', 'is missing beside tls_certificate'));
  if (tlsKey !== undefined && tlsCertificate === undefined)
    mistakes.push(at('tls_certificate', 'is missing beside tls_key'));
  if (tlsCa !== undefined && !tlsVerify)
    mistakes.push(at('tls_verify', 'tls_ca says what to verify with: leave one of them out'));
  if (!url.some((each) => originOf(each)?.startsWith('http:'))) return mistakes;
  const given = { tls_ca: tlsCa, tls_certificate: tlsCertificate, tls_server_name: tlsServerName };
  for (const [field, value] of Object.entries(given))
    if (value !== undefined) mistakes.push(at(field, 'url is not https, so this would not be heeded'));
  return mistakes;
}

function probeMistakes({ values }: GivenBackend, at: MistakeAt): Mistake[] {
  const { probePath, probeWindow, probeThreshold, probeInterval } = values;
  const mistakes: Mistake[] = [];
  if (probePath !== undefined && !TARGET.test(probePath))
    mistakes.push(at('probe_path', `expected a path such as /health, found "${probePath}"`));
  if (probeThreshold > probeWindow)
    mistakes.push(at('probe_threshold', `${probeThreshold} of the latest ${probeWindow} can never be good`));
  if (probeInterval < MIN_PROBE_INTERVAL_MS)
    mistakes.push(at('probe_interval', `is less than ${MIN_PROBE_INTERVAL_MS}ms`));
  return mistakes;
}

/** More often is no probe, but a load. */
const MIN_PROBE_INTERVAL_MS = 100;

/** Which of two is meant nobody could say. */
function collisions({ values }: GivenBackend, before: readonly GivenBackend[], at: MistakeAt): Mistake[] {
  const own = placesOf(values);
  return before.flatMap(({ name, values: others }) => {
    const both = placesOf(others).find((place) => own.includes(place));
    return both === undefined ? [] : [at('path', `${name} is for ${both} already`)];
  });
}

function placesOf({ hosts, path }: GivenBackend['values']): string[] {
  const prefix = `${prefixOf(path)}/`;
  return (hosts ?? ['all hosts and ']).map((host) => host.toLowerCase() + prefix);
}
