import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TestCertificate } from './test-certificate.ts';

/** A proxy that ends TLS before a server, and says so to it. Who is behind it may change; 502 where nobody is. */
export class TlsProxy implements AsyncDisposable {
  readonly url: string;
  /** Where requests are sent on to. */
  upstream: string;
  readonly #server: Server;

  private constructor(server: Server, upstream: string) {
    this.url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.upstream = upstream;
    this.#server = server;
  }

  static async start({ certificatePath, keyPath }: TestCertificate, upstream: string): Promise<TlsProxy> {
    const server = createServer({ cert: readFileSync(certificatePath), key: readFileSync(keyPath) });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new TlsProxy(server, upstream);
    server.on('request', (incoming, response) => {
      const { method, url = '/' } = incoming;
      const headers = { ...incoming.headers, 'x-forwarded-proto': 'https' };
      const onward = request(proxy.upstream + url, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      });
      onward.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
      incoming.pipe(onward);
    });
    return proxy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
