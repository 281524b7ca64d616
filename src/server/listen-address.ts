import { isIP } from 'node:net';
import { type Kind, text, wholeNumber } from '../config/kinds.ts';
import type { Checked, Mistake } from '../config/mistake.ts';
import type { Resolution } from '../config/resolve-settings.ts';
import type { Settings } from '../config/setting.ts';

export interface ListenAddress {
  /** Without the brackets of an IPv6 address; `undefined` where it is left open. */
  readonly host: string | undefined;
  readonly port: number;
}

/** Host and port as one: `0.0.0.0:8080`, `[::1]:8080`, `localhost:9010`, `:8080`. */
export function listenAddress(): Kind<ListenAddress> {
  return {
    expects: 'a host and port such as 0.0.0.0:8080, [::1]:8080 or :8080',
    schema: { type: 'string', pattern: ':[0-9]{1,5}$' },
    parse(raw) {
      const [, bracketed, name = '', digits = ''] =
        (typeof raw === 'string' && /^(?:\[([^\]]*)\]|([a-z0-9._-]*)):(\d{1,5})$/i.exec(raw.trim())) || [];
      const port = Number(digits);
      if (digits === '' || port > 65_535) return undefined;
      if (bracketed === undefined) return { host: name || undefined, port };
      return isIP(bracketed) === 6 ? { host: bracketed, port } : undefined;
    },
    show: ({ host = '', port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`,
  };
}

export const listenSettings = {
  host: { key: 'host', kind: text(), default: '0.0.0.0', doc: 'Address to listen on.' },
  port: {
    key: 'port',
    kind: wholeNumber(0, 65_535, 'a port'),
    default: 8080,
    doc: 'Port to listen on; 0 takes a free one and logs it.',
  },
  listen: {
    key: 'listen',
    kind: listenAddress(),
    doc: 'Host and port as one: 0.0.0.0:8080, [::1]:8080, :8080. A `host` or `port` that is given more strongly goes before it.',
  },
} as const satisfies Settings;

/**
 * `listen` as host and port. The stronger layer wins, so `--port` goes before a file's `listen`; in one layer they may
 * say it twice, but not each something else.
 */
export function settleListen<R extends Resolution<typeof listenSettings>>(resolution: R): Checked<R> {
  const { values, origins, sources } = resolution;
  const { listen } = values;
  if (listen === undefined) return { ok: true, value: resolution };
  const settled: Record<string, unknown> = { ...values };
  const from: Record<string, string> = { ...origins };
  const mistakes: Mistake[] = [];
  for (const name of ['host', 'port'] as const) {
    const said = listen[name];
    if (said === undefined || sources[name].rank > sources.listen.rank) continue;
    if (sources[name].rank === sources.listen.rank && values[name] !== said) {
      const message = `listen: says ${name} ${said}, and ${origins[name]} says ${values[name]}: leave one of them out`;
      mistakes.push(sources.listen.mistake(message));
    }
    settled[name] = said;
    from[name] = origins.listen;
  }
  if (mistakes.length > 0) return { ok: false, mistakes };
  return { ok: true, value: { ...resolution, values: settled, origins: from } };
}
