import { once } from 'node:events';
import { createServer as createHttp1, IncomingMessage } from 'node:http';
import { createServer as createHttp2, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { CountedResponse } from '../http/counted-response.ts';
import { FastPath, type FastPathOptions } from '../http/fast-path.ts';
import { TlsFiles } from '../http/tls-files.ts';
import { TlsListener } from '../http/tls-listener.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Drainable } from './draining.ts';
import type { CountedServer, ProxyRequests } from './proxy-requests.ts';
import type { ServerSettings } from './settings.ts';

/** Where a proxy's requests come from. */
export interface ProxyListener {
  readonly scheme: 'http' | 'https';
  readonly server: Drainable;
  /** What answers before Node's parser, where there is no TLS. */
  readonly fastPath: FastPath | undefined;
  readonly isListening: boolean;
  /** @throws Error as the system says it */
  listen(port: number, host: string): Promise<void>;
  address(): AddressInfo;
  /** Looks at once whether there is a new certificate. */
  reload(): void;
  close(): void;
}

/** Longer than the 60 s that load balancers keep idle connections, so that they end them, not we. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
/** Requests of one connection at a time. */
const MAX_STREAMS = 250;

/** @throws VelocityError `TLS_INVALID` */
export function openListener(
  settings: ServerSettings,
  requests: ProxyRequests,
  around: { readonly clock: Clock; readonly logger: Logger; readonly fast: FastPathOptions },
): ProxyListener {
  const { proxyTlsCertificate: certificate, proxyTlsKey: key } = settings;
  const http1 = openHttp1(settings);
  requests.listenTo(http1);
  if (certificate === undefined || key === undefined)
    return plain(http1, FastPath.before(http1, around.fast));
  const http2 = openHttp2(settings);
  requests.listenToStreams(http2);
  const files = new TlsFiles(certificate, key, around);
  const server = new TlsListener(files.pair, {
    ...{ http1, http2 },
    handshakeTimeout: settings.proxyHeadersTimeout,
    maxConnections: settings.proxyMaxConnections,
  });
  files.watch((pair) => server.use(pair));
  return {
    scheme: 'https',
    server,
    fastPath: undefined,
    get isListening() {
      return server.listening;
    },
    listen: (port, host) => server.listen(port, host),
    address: () => server.address(),
    reload: () => files.reload((pair) => server.use(pair)),
    close: () => files.stop(),
  };
}

function plain(server: CountedServer, fastPath: FastPath): ProxyListener {
  return {
    scheme: 'http',
    server,
    fastPath,
    get isListening() {
      return server.listening;
    },
    async listen(port, host) {
      server.listen(port, host);
      await once(server, 'listening');
    },
    address: () => server.address() as AddressInfo,
    reload() {},
    close() {},
  };
}

function openHttp1(settings: ServerSettings): CountedServer {
  const server = createHttp1({
    IncomingMessage,
    ServerResponse: CountedResponse,
    headersTimeout: settings.proxyHeadersTimeout,
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    maxHeaderSize: settings.proxyMaxHeaderSize,
    // A missing Host is for `admitRequest`, or Node would go on behind it.
    requireHostHeader: false,
  });
  server.maxConnections = settings.proxyMaxConnections;
  return server;
}

function openHttp2({ proxyMaxHeaderSize }: ServerSettings): Http2Server {
  const server = createHttp2({
    settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: proxyMaxHeaderSize },
  });
  server.on('session', (session) => {
    session.setTimeout(KEEP_ALIVE_TIMEOUT_MS, () => session.close()); // what is under way is let come to its end
    session.on('error', () => {}); // `close` follows
  });
  server.on('sessionError', () => {});
  return server;
}
