import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpServer } from './http-server.ts';

/** One thing in an envelope: an `event` (an error) or a `transaction` (a trace). */
export interface SentryItem {
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

/** Where Sentry takes what is reported: `POST /api/<project>/envelope/`. Keeps every byte it was sent. */
export class SentryIngest implements AsyncDisposable {
  readonly dsn: string;
  /** Request lines, headers and bodies as they came. */
  readonly received: readonly string[];
  readonly #server: HttpServer;

  private constructor(server: HttpServer, received: readonly string[]) {
    this.#server = server;
    this.received = received;
    this.dsn = server.url.replace('//', '//public@').concat('/1');
  }

  static async start(
    answer = (response: ServerResponse): unknown => response.end('{}'),
  ): Promise<SentryIngest> {
    const received: string[] = [];
    const server = await HttpServer.start(async (request, response) => {
      received.push(await textOf(request));
      answer(response);
    });
    return new SentryIngest(server, received);
  }

  get items(): readonly SentryItem[] {
    return this.received.map((text) => {
      const [type, payload] = text.split('\n').slice(-2);
      return { type: JSON.parse(type ?? '').type, payload: JSON.parse(payload ?? '') };
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server[Symbol.asyncDispose]();
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const head = [`${request.method} ${request.url}`, ...request.rawHeaders].join('\n');
  return `${head}\n${Buffer.concat(chunks)}`;
}
