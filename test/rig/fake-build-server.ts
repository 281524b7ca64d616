import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { HttpServer } from './http-server.ts';
import { until } from './until.ts';

/** One build request, to be answered by the test. */
export class AskedBuild {
  readonly path: string;
  readonly message: Readonly<Record<string, unknown>>;
  /** Whoever asked broke off before there was an answer. */
  isAborted = false;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, message: unknown, response: ServerResponse) {
    this.path = `${request.method} ${request.url}`;
    this.message = message as Record<string, unknown>;
    this.#response = response;
    response.once('close', () => {
      this.isAborted = !response.writableEnded;
    });
  }

  answer(reply: unknown, status = 200): void {
    this.#response.writeHead(status, { 'content-type': 'application/json' });
    this.#response.end(typeof reply === 'string' ? reply : JSON.stringify(reply));
  }

  /** Resets the connection. */
  reset(): void {
    this.#response.socket?.resetAndDestroy();
  }
}

/** A build server of which the test decides what it answers, and when. */
export class FakeBuildServer implements AsyncDisposable {
  readonly asked: AskedBuild[] = [];
  #server: HttpServer | undefined;
  #taken = 0;

  /** @param onAsk answers each request at once; without it `next` gives them to the test */
  static async start(onAsk?: (asked: AskedBuild) => unknown): Promise<FakeBuildServer> {
    const fake = new FakeBuildServer();
    fake.#server = await HttpServer.start(async (request, response) => {
      response.on('error', () => {});
      const asked = new AskedBuild(request, await json(request), response);
      fake.asked.push(asked);
      onAsk?.(asked);
    });
    return fake;
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  /** The next request, once it is here. */
  async next(): Promise<AskedBuild> {
    const at = this.#taken++;
    await until(() => this.asked.length > at);
    return this.asked[at] as AskedBuild;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
  }
}
