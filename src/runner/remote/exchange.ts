import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { TimeoutError } from './timeout-error.ts';

/** One request of the remote client. */
export interface Exchange {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readable | Uint8Array | undefined;
  /** Until the answer's head, and between any two pieces of its body. */
  readonly idleTimeoutMs: number;
  /** For the whole of it. */
  readonly totalTimeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Must be consumed or destroyed; fails where it is cut short or takes too long. */
  readonly body: IncomingMessage;
}

/** Many tasks talk to one host; connections are kept for the run. */
const CONNECTIONS = 32;

/**
 * Plain `node:http`: streams without copies and loads in a few milliseconds, which matters for
 * a program that often runs for a tenth of a second. Never follows redirects.
 */
export class HttpExchanges {
  readonly #agents = {
    'http:': new HttpAgent({ keepAlive: true, maxSockets: CONNECTIONS }),
    'https:': new HttpsAgent({ keepAlive: true, maxSockets: CONNECTIONS }),
  };

  /** Rejects where there is no answer: refused, timed out, broken off, not HTTP. */
  send({ method, url, headers, body, idleTimeoutMs, totalTimeoutMs }: Exchange): Promise<Answer> {
    const isTls = url.protocol === 'https:';
    const agent = isTls ? this.#agents['https:'] : this.#agents['http:'];
    return new Promise((resolve, reject) => {
      const sending = (isTls ? httpsRequest : httpRequest)(url, { method, headers, agent });
      const fail = (why: string): void => void sending.destroy(new TimeoutError(why));
      const total = setTimeout(() => fail(`not done after ${totalTimeoutMs} ms`), totalTimeoutMs);
      // Once the answer began, the same clock watches the gaps in its body.
      sending.setTimeout(idleTimeoutMs, () => fail(`no answer for ${idleTimeoutMs} ms`));
      sending.once('close', () => clearTimeout(total));
      sending.on('error', reject);
      sending.once('response', (answer) => {
        // A destroyed request fails its answer's body too, so whoever reads it learns why.
        sending.on('error', (error) => answer.destroy(error));
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer });
      });
      if (body instanceof Readable) {
        body.once('error', (error) => sending.destroy(error));
        body.pipe(sending);
      } else sending.end(body);
    });
  }

  close(): void {
    this.#agents['http:'].destroy();
    this.#agents['https:'].destroy();
  }
}
