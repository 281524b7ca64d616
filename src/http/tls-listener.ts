import type { Server as Http1Server, IncomingMessage, ServerResponse } from 'node:http';
import type { Http2Server, ServerHttp2Session } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { createSecureContext, createServer, type Server, type TLSSocket } from 'node:tls';
import type { KeyPair } from './tls-material.ts';

export interface TlsListenerOptions {
  readonly http1: Http1Server;
  readonly http2: Http2Server;
  readonly handshakeTimeout: number;
  readonly maxConnections: number;
}

const PROTOCOLS = { minVersion: 'TLSv1.2', ALPNProtocols: ['h2', 'http/1.1'] } as const;

/** Listens for TLS, and hands each connection to the server of the protocol that was agreed on; without a word on it, HTTP/1.1. */
export class TlsListener {
  readonly #server: Server;
  readonly #http1: Http1Server;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(pair: KeyPair, { http1, http2, handshakeTimeout, maxConnections }: TlsListenerOptions) {
    this.#http1 = http1;
    this.#server = createServer({ ...PROTOCOLS, ...materialOf(pair), handshakeTimeout });
    this.#server.maxConnections = maxConnections;
    http1.emit('listening'); // from now on it keeps the time of its connections, which it does not accept itself
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('secureConnection', (socket: TLSSocket) => {
      (socket.alpnProtocol === 'h2' ? http2 : http1).emit('connection', socket);
    });
    this.#server.on('tlsClientError', () => {}); // Node closes the connection; scanners send no TLS all day
    http2.on('session', (session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
    });
  }

  /** For connections from now on. */
  use(pair: KeyPair): void {
    this.#server.setSecureContext({ ...PROTOCOLS, ...materialOf(pair) });
  }

  /** @throws Error as the system says it */
  async listen(port: number, host: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen(port, host, resolve);
    await promise;
    this.#server.off('error', reject);
  }

  address(): AddressInfo {
    return this.#server.address() as AddressInfo;
  }

  get listening(): boolean {
    return this.#server.listening;
  }

  close(done: () => void): void {
    this.#server.close(() => done());
    this.#http1.close();
  }

  /** For requests of HTTP/1; to those of HTTP/2 nothing is said of their connection. */
  prependListener(
    event: 'request',
    listener: (request: IncomingMessage, response: ServerResponse) => void,
  ): void {
    this.#http1.prependListener(event, listener);
  }

  /** Sessions of HTTP/2 are told to go, and do when their last answer is sent. */
  closeIdleConnections(): void {
    this.#http1.closeIdleConnections();
    for (const session of this.#sessions) session.close();
  }

  closeAllConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function materialOf({ certificate, key }: KeyPair): { readonly cert: string; readonly key: string } {
  const material = { cert: certificate, key };
  createSecureContext(material); // what it refuses must not become a server's context
  return material;
}
