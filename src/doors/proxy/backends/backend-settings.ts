import {
  byteSize,
  duration,
  type Kind,
  names,
  text,
  trueOrFalse,
  wholeNumber,
} from '../../../config/kinds.ts';
import type { Named, NamedSettings } from '../../../config/named-settings.ts';
import { endpoint } from '../../../storage/endpoint.ts';
import { ORIGIN_DEFAULTS } from '../origin/origin-settings.ts';
import { type StatusRange, statusRanges } from './status-ranges.ts';

/** Origins behind the proxy, each for some hosts and paths. */
export const backendSettings = {
  key: 'proxy.backends',
  noun: 'backend',
  doc: 'Origins of the proxy, each under a name of its own, by hosts and paths. What none of them takes is for `proxy.backend`, else it is refused.',
  names: /^[a-z0-9_-][a-z0-9._-]{0,63}$/,
  namesExpect: '1 to 64 of a-z, 0-9, "-", "_" and ".", the first of them no dot',
  common: {
    url: {
      key: 'url',
      kind: endpoints(),
      required: 'url is missing: say where this backend is',
      doc: 'Its server, or several that take turns: hosts, hosts and ports, or URLs. Without a scheme it is https, but http on this machine.',
    },
    hosts: {
      key: 'hosts',
      kind: names('hosts'),
      doc: 'Hosts that it is for: `example.org`, or `*.example.org` for all below that one. Without it, those that no other backend names.',
    },
    path: {
      key: 'path',
      kind: text(),
      default: '/',
      doc: 'Paths that it is for: this one and all below it. Of several that fit the longest counts.',
    },
    host: {
      key: 'host',
      kind: text(),
      doc: 'The Host that it is told. Without it, the one of its (first) `url`.',
    },
    passHost: {
      key: 'pass_host',
      kind: trueOrFalse(),
      default: false,
      doc: 'Tell it the Host that the client asked for.',
    },
    connectTimeout: {
      key: 'connect_timeout',
      kind: duration(),
      default: ORIGIN_DEFAULTS.connectTimeout,
      doc: 'How long a request waits for a free or new connection, TLS included.',
    },
    firstByteTimeout: {
      key: 'first_byte_timeout',
      kind: duration(),
      default: ORIGIN_DEFAULTS.headersTimeout,
      doc: 'How long it may take to begin its answer.',
    },
    betweenBytesTimeout: {
      key: 'between_bytes_timeout',
      kind: duration(),
      default: ORIGIN_DEFAULTS.idleTimeout,
      doc: 'How long a transfer may stand still on its side.',
    },
    maxConnections: {
      key: 'max_connections',
      kind: wholeNumber(1, 100_000, 'a number of connections'),
      default: ORIGIN_DEFAULTS.maxConnections,
      doc: 'How many connections there may be to each of its servers.',
    },
    maxHeaderSize: {
      key: 'max_header_size',
      kind: byteSize(),
      default: ORIGIN_DEFAULTS.maxHeadBytes,
      doc: 'How long the head of an answer may be.',
    },
    retries: {
      key: 'retries',
      kind: wholeNumber(0, 10, 'a number of retries'),
      default: 1,
      doc: 'On how many others of its servers a request without a body is tried that may be sent twice, where one takes no connection or breaks it off.',
    },
    probePath: {
      key: 'probe_path',
      kind: text(),
      doc: 'Address that is asked to see whether a server is well. Without it all are taken to be.',
    },
    probeInterval: {
      key: 'probe_interval',
      kind: duration(),
      default: 5_000,
      doc: 'How often it is asked.',
    },
    probeTimeout: {
      key: 'probe_timeout',
      kind: duration(),
      default: 2_000,
      doc: 'How long that may take.',
    },
    probeStatus: {
      key: 'probe_status',
      kind: statusRanges(),
      default: [{ first: 200, last: 299 }] as readonly StatusRange[],
      doc: 'Statuses that are good answers.',
    },
    probeWindow: {
      key: 'probe_window',
      kind: wholeNumber(1, 64, 'a number of probes'),
      default: 8,
      doc: 'How many of the latest probes count.',
    },
    probeThreshold: {
      key: 'probe_threshold',
      kind: wholeNumber(1, 64, 'a number of probes'),
      default: 3,
      doc: 'How many of them must be good for the server to be well.',
    },
    tlsCa: {
      key: 'tls_ca',
      kind: text(),
      doc: 'PEM file of the authorities that its certificate may come from, instead of those that Node trusts.',
    },
    tlsCertificate: {
      key: 'tls_certificate',
      kind: text(),
      doc: 'PEM file of the certificate that is shown to it.',
    },
    tlsKey: { key: 'tls_key', kind: text(), doc: 'PEM file of its key.' },
    tlsServerName: {
      key: 'tls_server_name',
      kind: text(),
      doc: 'Name that it is asked for (SNI) and that its certificate must have, where it is not the one in `url`.',
    },
    tlsVerify: {
      key: 'tls_verify',
      kind: trueOrFalse(),
      default: true,
      doc: 'Whether its certificate must be valid. Without that anybody on the way may read and change what is sent.',
    },
  },
} as const satisfies NamedSettings;

export type GivenBackend = Named<typeof backendSettings>;

/** One or several endpoints, with commas between them or as a list. */
function endpoints(): Kind<readonly string[]> {
  const [one, many] = [endpoint(), names('servers')];
  return {
    expects: `${one.expects}; or several with commas between them`,
    schema: many.schema,
    parse(raw) {
      const given = many.parse(raw)?.map((text) => one.parse(text));
      return given?.every((text) => text !== undefined) ? given : undefined;
    },
    show: (given) => given.join(', '),
  };
}
