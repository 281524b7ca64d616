import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { type Clock, systemClock } from '../../base/clock.ts';
import { type Pace, watchPace } from './pace.ts';

/** One request of the remote client. */
export interface Exchange {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Readable | Uint8Array | undefined;
  /** From the request's beginning to the last byte of its answer. */
  readonly pace: Pace;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Must be consumed or destroyed; fails where it is cut short or takes too long. */
  readonly body: IncomingMessage;
}

/** Many tasks talk to one host; connections are kept for the run. */
const CONNECTIONS = 32;
/** Only a whole piece is known to have left: small ones show that a slow connection moves. */
const PIECE_BYTES = 16 * 1024;

/**
 * Plain `node:http`: streams without copies and loads in a few milliseconds, which matters for
 * a program that often runs for a tenth of a second. Never follows redirects.
 */
export class HttpExchanges {
  readonly #agents = {
    'http:': new HttpAgent({ keepAlive: true, maxSockets: CONNECTIONS }),
    'https:': new HttpsAgent({ keepAlive: true, maxSockets: CONNECTIONS }),
  };
  readonly #underWay = new Set<ClientRequest>();
  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Rejects where there is no answer: refused, timed out, broken off, not HTTP. */
  send({ method, url, headers, body, pace }: Exchange): Promise<Answer> {
    const isTls = url.protocol === 'https:';
    const agent = isTls ? this.#agents['https:'] : this.#agents['http:'];
    return new Promise((resolve, reject) => {
      const sending = (isTls ? httpsRequest : httpRequest)(url, { method, headers, agent });
      const cancelWatch = this.#watch(sending, pace);
      this.#underWay.add(sending);
      sending.once('close', () => {
        cancelWatch();
        this.#underWay.delete(sending);
      });
      sending.on('error', reject);
      sending.once('response', (answer) => {
        // A destroyed request fails its answer's body too, so whoever reads it learns why.
        sending.on('error', (error) => answer.destroy(error));
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer });
      });
      if (body === undefined) sending.end();
      else sendPieces(sending, body);
    });
  }

  /** Breaks off what is under way. */
  close(): void {
    for (const sending of this.#underWay) sending.destroy();
    this.#agents['http:'].destroy();
    this.#agents['https:'].destroy();
  }

  #watch(sending: ClientRequest, pace: Pace): () => void {
    let socket: Socket | undefined;
    let before = 0;
    let answer: IncomingMessage | undefined;
    sending.once('socket', (given) => {
      socket = given;
      before = transferred(given);
    });
    sending.once('response', (given) => {
      answer = given;
    });
    const exchange = {
      movedBytes: () => (socket ? transferred(socket) - before : 0),
      isAllSent: () => sending.method !== 'GET' && sending.writableFinished,
      isHeldUp: () => (answer?.readableLength ?? 0) > 0,
    };
    return watchPace(pace, exchange, this.#clock, (error) => sending.destroy(error));
  }
}

/** Read from the connection, or handed to the machine's network to be sent. */
function transferred(socket: Socket): number {
  return socket.bytesRead + socket.bytesWritten - socket.writableLength;
}

function sendPieces(sending: ClientRequest, body: Readable | Uint8Array): void {
  const pieces = Readable.from(piecesOf(body instanceof Readable ? body : [body]), { objectMode: false });
  pieces.once('error', (error) => sending.destroy(error));
  sending.once('close', () => pieces.destroy());
  pieces.pipe(sending);
}

async function* piecesOf(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.length; start += PIECE_BYTES) {
      yield chunk.subarray(start, start + PIECE_BYTES);
    }
  }
}
