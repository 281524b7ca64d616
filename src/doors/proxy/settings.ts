import { EVICTIONS } from '../../cache/eviction/open-eviction.ts';
import { byteSize, duration, oneOf, text, trueOrFalse, wholeNumber } from '../../config/kinds.ts';
import type { Settings, Values } from '../../config/setting.ts';
import { endpoint } from '../../storage/endpoint.ts';
import { VELOCITY_NAMES } from './velocity-names.ts';

/** The HTTP caching proxy. */
export const proxySettings = {
  proxyHost: {
    key: 'proxy.host',
    kind: text(),
    default: '127.0.0.1',
    doc: 'Address that the proxy listens on.',
    envAliases: VELOCITY_NAMES['proxy.host'],
  },
  proxyPort: {
    key: 'proxy.port',
    kind: wholeNumber(0, 65_535, 'a port'),
    default: 8080,
    doc: 'Port that the proxy listens on; 0 takes a free one and logs it.',
    envAliases: VELOCITY_NAMES['proxy.port'],
  },
  proxyBackend: {
    key: 'proxy.backend',
    kind: endpoint(),
    doc: 'Origin of all that none of `proxy.backends` takes: a host, host and port, or URL. Without a scheme it is https, but http on this machine (`localhost`). `velocity proxy` takes httpbin.org where there is neither.',
    envAliases: VELOCITY_NAMES['proxy.backend'],
  },
  proxyMaxEntries: {
    key: 'proxy.max_entries',
    kind: wholeNumber(1, 1_000_000_000, 'a number of responses'),
    default: 10_000,
    doc: 'How many responses the proxy keeps at most.',
    envAliases: VELOCITY_NAMES['proxy.max_entries'],
  },
  proxyMaxMemory: {
    key: 'proxy.max_memory',
    kind: byteSize(),
    default: 256 * 2 ** 20,
    doc: 'How much memory their bodies may take, with the bookkeeping, and with what is being fetched and sent. Their heads, and bodies of unknown length that are on their way, may take up to a quarter of it more each.',
  },
  proxyMaxObjectSize: {
    key: 'proxy.max_object_size',
    kind: byteSize(),
    default: 64 * 2 ** 20,
    doc: 'Larger responses are passed on and not kept.',
  },
  proxyMaxDisk: {
    key: 'proxy.max_disk',
    kind: byteSize(),
    doc: 'How much of them is kept on the disk too, such as 100GiB. Without it, and with 0, nothing is.',
  },
  proxyDiskPath: {
    key: 'proxy.disk_path',
    kind: text(),
    default: './data/proxy',
    doc: 'Folder for what is kept on the disk, where `proxy.max_disk` is set; made where it is missing.',
  },
  proxyGrace: {
    key: 'proxy.grace',
    kind: duration(),
    default: 0,
    doc: 'How long beyond its freshness a response is given out while it is validated in the background, where its origin says nothing of it. By the letter of RFC 9111 that is for the origin to say, so it is 0; Varnish takes 10s. What was never fresh has none.',
  },
  proxyWebsockets: {
    key: 'proxy.websockets',
    kind: trueOrFalse(),
    default: true,
    doc: 'Whether clients may switch connections to WebSocket, which are passed through unread.',
  },
  proxyMaxTunnels: {
    key: 'proxy.max_tunnels',
    kind: wholeNumber(1, 1_000_000, 'a number of connections'),
    default: 1_000,
    doc: 'How many switched connections there may be at a time.',
  },
  proxyTunnelIdleTimeout: {
    key: 'proxy.tunnel_idle_timeout',
    kind: duration(),
    default: 3600_000,
    doc: 'How long a switched connection may stand still, either way.',
  },
  proxyMaxConnections: {
    key: 'proxy.max_connections',
    kind: wholeNumber(1, 1_000_000, 'a number of connections'),
    default: 10_000,
    doc: 'How many connections of clients there may be at a time; more are closed at once.',
  },
  proxyMaxHeaderSize: {
    key: 'proxy.max_header_size',
    kind: byteSize(),
    default: 16 * 1024,
    doc: 'How long the head of a request may be, address and all fields.',
  },
  proxyHeadersTimeout: {
    key: 'proxy.headers_timeout',
    kind: duration(),
    default: 15_000,
    doc: 'How long a client may take to send the head of a request.',
  },
  proxyIdleTimeout: {
    key: 'proxy.idle_timeout',
    kind: duration(),
    default: 60_000,
    doc: 'How long a client may neither send of a request nor take of an answer.',
  },
  proxyEviction: {
    key: 'proxy.eviction',
    kind: oneOf(EVICTIONS),
    default: 'lru',
    doc: 'Which response goes first where there is no more room, as `cache.eviction`.',
  },
  proxyAdminSocket: {
    key: 'proxy.admin_socket',
    kind: text(),
    doc: 'Path of the unix socket for `velocity log`, `top`, `stat`, `hist`, `purge` and `ban`. Without it, velocity-PORT.sock in `XDG_RUNTIME_DIR`, else in a folder of this user among the temporary files.',
  },
  proxyTlsCertificate: {
    key: 'proxy.tls.certificate',
    kind: text(),
    doc: 'PEM file of a certificate and those that it leads to. With it and its key the proxy speaks TLS: HTTP/2 and HTTP/1.1.',
  },
  proxyTlsKey: {
    key: 'proxy.tls.key',
    kind: text(),
    doc: 'PEM file of its key.',
  },
} as const satisfies Settings;

export type ProxySettings = Values<typeof proxySettings>;
