import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/**
 * What the next connection suffers. `reset`: it is cut as soon as something is sent. `lose-reply`: the request
 * arrives whole, the reply never does. `stall`: what is sent goes nowhere, and nothing comes back. `cut`: the
 * reply breaks off after so many bytes.
 */
export type Toxin = 'reset' | 'lose-reply' | 'stall' | { readonly cut: number };

/** A TCP proxy before a real server that does to chosen connections what networks do. */
export class ToxicProxy implements AsyncDisposable {
  readonly port: number;
  /** For the coming connections, in order; those after them are well. */
  readonly toxins: Toxin[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async start(upstreamPort: number): Promise<ToxicProxy> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const proxy = new ToxicProxy(server);
    server.on('connection', (client) => proxy.#serve(client, upstreamPort));
    return proxy;
  }

  /** Ends the connections that there are, so that the next request comes on a new one. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(client: Socket, upstreamPort: number): void {
    const toxin = this.toxins.shift();
    const upstream = connect(upstreamPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    if (toxin === 'reset') {
      client.once('data', () => client.resetAndDestroy());
      return;
    }
    if (toxin === 'stall') {
      client.resume();
      return;
    }
    client.pipe(upstream);
    if (toxin === 'lose-reply') {
      upstream.once('data', () => client.resetAndDestroy());
      return;
    }
    if (toxin === undefined) {
      upstream.pipe(client);
      return;
    }
    let left = toxin.cut;
    upstream.on('data', (chunk: Buffer) => {
      client.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) client.destroySoon();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.cutAll();
    await once(this.#server, 'close');
  }
}
