import type { Layers } from '../config/layers.ts';
import type { Checked, Mistake } from '../config/mistake.ts';
import { resolveNamed } from '../config/resolve-named.ts';
import type { Resolution } from '../config/resolve-settings.ts';
import { type BackendConfig, originOf, plainBackend } from '../doors/proxy/backends/backend-config.ts';
import { backendSettings, type GivenBackend } from '../doors/proxy/backends/backend-settings.ts';
import { readBackends } from '../doors/proxy/backends/read-backends.ts';
import type { proxySettings } from '../doors/proxy/settings.ts';

export interface LoadedBackends {
  /** Of the proxy, that of `proxy.backend` last; none: there is no proxy. */
  readonly backends: readonly BackendConfig[];
  /** The named ones as they were given, with the origin of each value. */
  readonly givenBackends: readonly GivenBackend[];
}

/** Where `velocity proxy` leads if nobody says otherwise. */
export const DEMO_BACKEND: BackendConfig = plainBackend('https://httpbin.org');

/** @param resolved the proxy's own settings; where they hold mistakes, those are told elsewhere */
export function loadBackends(
  resolved: Checked<Resolution<typeof proxySettings>>,
  layers: Layers,
): Checked<LoadedBackends> {
  const given = resolveNamed(backendSettings, layers);
  const address = resolved.ok ? resolved.value.values.proxyBackend : undefined;
  const named = given.ok ? readBackends(given.value, address !== undefined) : given;
  const mistakes = [
    ...(named.ok ? [] : named.mistakes),
    ...(resolved.ok ? disagreements(resolved.value) : []),
  ];
  if (!resolved.ok || !given.ok || !named.ok || mistakes.length > 0) return { ok: false, mistakes };
  const url = address === undefined ? undefined : originOf(address);
  const plain = url === undefined ? [] : [plainBackend(url)];
  return { ok: true, value: { backends: [...named.value, ...plain], givenBackends: given.value } };
}

function disagreements({ values, sources }: Resolution<typeof proxySettings>): Mistake[] {
  const { proxyBackend: address, proxyTlsCertificate: certificate, proxyTlsKey: key } = values;
  const mistakes: Mistake[] = [];
  if (address !== undefined && originOf(address) === undefined) {
    const message = `proxy.backend: expected a host, a host and port or a URL without a path, found "${address}"`;
    mistakes.push(sources.proxyBackend.mistake(message));
  }
  if (certificate !== undefined && key === undefined)
    mistakes.push(
      sources.proxyTlsCertificate.mistake('proxy.tls.key is missing beside proxy.tls.certificate'),
    );
  if (key !== undefined && certificate === undefined)
    mistakes.push(sources.proxyTlsKey.mistake('proxy.tls.certificate is missing beside proxy.tls.key'));
  return mistakes;
}
