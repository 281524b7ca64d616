import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** A bare `node:http` server on a free port of 127.0.0.1, for what happens between one request and its answer. */
export class HttpServer implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** `keepAliveTimeout`: how long idle connections are kept, in milliseconds; 0 is for ever, and announced to nobody. */
  static async start(
    handle: (request: IncomingMessage, response: ServerResponse) => unknown,
    options: Pick<ServerOptions, 'keepAliveTimeout'> = {},
  ): Promise<HttpServer> {
    const server = createServer(options, (request, response) => void handle(request, response));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new HttpServer(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
