import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { NegotiateReply } from '../../src/wire/negotiate.ts';

export interface GatewayRequest {
  readonly method: string;
  readonly path: string;
  readonly body: Buffer;
  /** Of a negotiation. */
  readonly items: readonly { readonly hash: string; readonly action: string }[];
  readonly response: ServerResponse;
  /** Answers with JSON. */
  json(status: number, body: unknown): void;
}

/** A gateway that behaves as the test's script says, for what no good gateway would do. */
export class ScriptedGateway implements AsyncDisposable {
  readonly url: string;
  readonly requests: GatewayRequest[] = [];
  readonly #close: () => Promise<void>;

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.#close = close;
  }

  static async start(
    script: (request: GatewayRequest, gateway: ScriptedGateway) => void,
  ): Promise<ScriptedGateway> {
    let gateway: ScriptedGateway | undefined;
    const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
      const body = await buffer(incoming).catch(() => Buffer.alloc(0));
      const { url: path = '', method = '' } = incoming;
      const request: GatewayRequest = {
        method,
        path,
        body,
        items: path.endsWith('/v1/negotiate')
          ? (JSON.parse(body.toString()) as { items: GatewayRequest['items'] }).items
          : [],
        response,
        json(status, value) {
          response.writeHead(status, { 'content-type': 'application/json' });
          response.end(JSON.stringify(value));
        },
      };
      if (!gateway) return;
      gateway.requests.push(request);
      script(request, gateway);
    };
    const server = createServer((incoming, response) => void answer(incoming, response));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const { port } = server.address() as AddressInfo;
    gateway = new ScriptedGateway(`http://127.0.0.1:${port}`, async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    });
    return gateway;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

/** Answers a negotiation with the same reply for every item of an action, `missing` and `skipped` else. */
export function reply(
  request: GatewayRequest,
  replies: { download?: NegotiateReply; upload?: NegotiateReply },
): void {
  const items = request.items.map(({ action }) => {
    if (action === 'upload') return replies.upload ?? { status: 'skipped' };
    return (action === 'download' ? replies.download : undefined) ?? { status: 'missing' };
  });
  request.json(200, { items });
}
