import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { TimeoutError } from '../remote/timeout-error.ts';
import { watchForStall } from './stall-watch.ts';

export interface GatewayRequestOptions {
  /** For the other side to take a connection, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** For the first byte of an answer once all was sent, and wherever nothing moves that should. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

export interface GatewayRequest {
  readonly method: string;
  readonly origin: URL;
  /** With its query, as it came: nothing is normalised on the way. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Is piped, and left to its owner. */
  readonly body?: IncomingMessage | undefined;
}

/** Requests in the client's name, streamed both ways; an answer's body fails where it is cut short or stands still. */
export class GatewayRequests {
  readonly #options: GatewayRequestOptions;
  readonly #agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };

  constructor(options: GatewayRequestOptions) {
    this.#options = options;
  }

  /**
   * Rejects where there is no answer: refused, timed out, broken off, not HTTP.
   * @param leaving aborted when the client is gone
   */
  send(
    { method, origin, path, headers, body }: GatewayRequest,
    leaving: AbortSignal,
  ): Promise<IncomingMessage> {
    const isTls = origin.protocol === 'https:';
    const agent = isTls ? this.#agents.https : this.#agents.http;
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const sending = (isTls ? httpsRequest : httpRequest)(origin, { method, path, headers, agent });
    const leave = (): void => void sending.destroy();
    leaving.addEventListener('abort', leave, { once: true });
    const cancelWatch = this.#watch(sending, isTls);
    sending.on('error', reject); // after the answer it says nothing new: the answer fails by itself
    sending.once('close', () => {
      cancelWatch();
      leaving.removeEventListener('abort', leave);
      body?.unpipe(sending);
      reject(new Error('the connection closed without an answer'));
    });
    sending.once('response', (answer) => {
      sending.on('error', (error) => answer.destroy(error));
      resolve(answer);
    });
    if (body === undefined) sending.end();
    else body.pipe(sending);
    return promise;
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #watch(sending: ClientRequest, isTls: boolean): () => void {
    const { connectTimeoutMs, timeoutMs, clock } = this.#options;
    let socket: Socket | undefined;
    let isConnected = false;
    let answer: IncomingMessage | undefined;
    sending.once('socket', (given) => {
      socket = given;
      isConnected = sending.reusedSocket;
      given.once(isTls ? 'secureConnect' : 'connect', () => {
        isConnected = true;
      });
    });
    sending.once('response', (given) => {
      answer = given;
    });
    const patienceMs = (): number | undefined => {
      if (!isConnected) return connectTimeoutMs;
      // What has come and is not taken is the client's to take; what was not sent yet is the client's to send.
      if (answer) return answer.readableLength > 0 || answer.complete ? undefined : timeoutMs;
      return sending.writableFinished || (socket?.writableLength ?? 0) > 0 ? timeoutMs : undefined;
    };
    return watchForStall(
      { patienceMs, movedBytes: () => (socket ? moved(socket) : 0) },
      clock,
      (waitedMs) => {
        const what = isConnected ? 'no answer' : 'no connection';
        sending.destroy(new TimeoutError(`${what} for ${waitedMs} ms`));
      },
    );
  }
}

/** Read from the connection, or handed to the machine's network to be sent. */
function moved(socket: Socket): number {
  return socket.bytesRead + socket.bytesWritten - socket.writableLength;
}
