import type { IncomingMessage, Server } from 'node:http';
import { constants, type Http2Server } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { VelocityError, whyOf } from '../base/errors.ts';
import type { Backends } from '../doors/proxy/backends/backends.ts';
import { followsRefusal, refuseOddities, refuseRequest } from '../doors/proxy/origin/refusal.ts';
import { admitRequest, REQUEST_LIMITS } from '../doors/proxy/origin/request-hygiene.ts';
import { respondOn, type Tunnels } from '../doors/proxy/origin/tunnels.ts';
import { type Forwarding, type ProxyHandler, toldHost } from '../doors/proxy/proxy-handler.ts';
import type { CountedResponse } from '../http/counted-response.ts';
import { answerExpectations } from '../http/expect-continue.ts';
import { Http2Message } from '../http/http2-message.ts';
import { Http2Response } from '../http/http2-response.ts';
import { AnswersUnderWay, answerMalformed } from '../http/malformed-requests.ts';
import { type Problem, toProblem, writeProblem } from '../http/problem.ts';
import type { SimpleMessage } from '../http/simple-message.ts';
import type { SimpleResponse } from '../http/simple-response.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ProxyRecord, ProxyRecords } from './proxy-records.ts';

export interface ProxyRequestsOptions {
  readonly handler: ProxyHandler;
  readonly backends: Backends;
  readonly forwarding: Forwarding;
  /** `undefined`: nobody switches protocols. */
  readonly tunnels: Tunnels | undefined;
  readonly records: ProxyRecords;
  readonly inFlight: Count;
  readonly tunnelled: Count;
  readonly logger: Logger;
  /** How long a client may neither send nor take, in ms. */
  readonly idleTimeout: number;
}

/** One whose answers are counted. */
export type CountedServer = Server<typeof IncomingMessage, typeof CountedResponse>;

/** How many there are now. */
interface Count {
  inc(): void;
  dec(): void;
}

/** Hands what comes to a server to the proxy's handler, and tells of its end. */
export class ProxyRequests {
  readonly #options: ProxyRequestsOptions;
  readonly #underWay = new AnswersUnderWay();
  #isDraining = false;

  constructor(options: ProxyRequestsOptions) {
    this.#options = options;
  }

  /**
   * From now on a connection ends with the last answer on it: one whose head has promised more would be kept for as long
   * as its client likes. Sessions of HTTP/2 see to that themselves.
   */
  drain(): void {
    this.#isDraining = true;
  }

  listenTo(server: CountedServer): void {
    const { tunnels, idleTimeout } = this.#options;
    answerExpectations(server);
    refuseOddities(server);
    server.on('request', (message, response) => void this.#request(message, response));
    server.on('clientError', (error, socket) => answerMalformed(error, socket, this.#underWay.on(socket)));
    server.setTimeout(idleTimeout, (socket: Socket) => this.#stoodStill(socket));
    if (!tunnels) {
      Object.assign(server, { shouldUpgradeCallback: () => false });
      return;
    }
    Object.assign(server, { shouldUpgradeCallback: tunnels.takes });
    server.on('upgrade', (message, socket, head) => void this.#upgrade(tunnels, message, socket, head));
  }

  /** A simple request that was read before Node's parser. */
  handle(message: SimpleMessage, response: SimpleResponse): void {
    // They are what all else uses of Node's own.
    const [asked, answer] = [message as unknown as IncomingMessage, response as unknown as CountedResponse];
    void this.#request(asked, answer);
  }

  /** Of HTTP/2: each stream is a request, and is cut for itself. */
  listenToStreams(server: Http2Server): void {
    const { idleTimeout } = this.#options;
    server.on('stream', (stream, headers, _flags, rawHeaders) => {
      const message = new Http2Message(stream, headers, rawHeaders);
      const response = new Http2Response(stream, message);
      const stoodStill = (): void => {
        const waitsForUs = message.complete && response.writableLength === 0 && !response.writableEnded;
        if (waitsForUs) stream.setTimeout(idleTimeout, stoodStill);
        else stream.close(constants.NGHTTP2_CANCEL);
      };
      stream.setTimeout(idleTimeout, stoodStill);
      // What nobody reads of a body need not be sent. RFC 9113 §8.1.
      response.once('close', () => {
        if (!message.complete) stream.close(constants.NGHTTP2_NO_ERROR);
      });
      // They are what all else uses of Node's own.
      const [asked, answer] = [message as unknown as IncomingMessage, response as unknown as CountedResponse];
      void this.#request(asked, answer, '2.0');
    });
  }

  async #request(message: IncomingMessage, response: CountedResponse, version?: '2.0'): Promise<void> {
    if (followsRefusal(message)) return;
    const { handler, records, inFlight } = this.#options;
    const record = records.begin(message);
    this.#underWay.keep(message.socket, response);
    response.requestId = record.id;
    inFlight.inc();
    response.once('close', () => {
      inFlight.dec();
      record.ended(response.writableFinished ? response.statusCode : 'aborted', response.sentBytes);
      const { socket } = message;
      if (this.#isDraining && version === undefined && this.#underWay.on(socket).size === 0)
        socket.destroySoon();
    });
    try {
      const read = admitRequest(message, REQUEST_LIMITS);
      const admitted = version === undefined ? read : { ...read, version };
      record.admitted = admitted;
      await handler.handle({ message, response, admitted }, record.findings);
    } catch (error) {
      const problem = this.#failed(error, record);
      if (record.admitted) writeProblem(response, problem);
      else refuseRequest(response, problem);
    }
  }

  async #upgrade(tunnels: Tunnels, message: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (followsRefusal(message)) return;
    const { backends, forwarding, records, tunnelled } = this.#options;
    const record = records.begin(message);
    const before = (socket as Socket).bytesWritten;
    let status: number | 'aborted' = 'aborted';
    let isCounted = false;
    socket.once('close', () => {
      if (isCounted) tunnelled.dec();
      record.ended(status, (socket as Socket).bytesWritten - before);
    });
    try {
      const admitted = admitRequest(message, REQUEST_LIMITS);
      record.admitted = admitted;
      const backend = backends.choose(admitted.host, admitted.target);
      record.findings.backend = backend.name;
      record.findings.outcome = 'tunnel';
      const options = toldHost(forwarding, backend.host);
      status = await tunnels.open({ message, admitted, socket, head }, backend.client, options);
      if (status !== 101) record.findings.outcome = 'pass';
      else if (!socket.destroyed) {
        isCounted = true;
        tunnelled.inc();
      }
    } catch (error) {
      socket.on('error', () => {});
      const problem = this.#failed(error, record);
      status = problem.status;
      writeProblem(respondOn(socket as Socket, message), problem);
    }
  }

  #failed(error: unknown, { id, findings }: ProxyRecord): Problem {
    const problem = toProblem(error, id);
    const { logger } = this.#options;
    if (problem.status < 500 || problem.status === 501 || problem.status === 505) {
      findings.outcome = 'refused';
      return problem;
    }
    findings.outcome = 'failed';
    const told = { requestId: id, backend: findings.backend };
    if (error instanceof VelocityError)
      logger.warn({ ...told, code: error.code, why: whyOf(error) }, 'a backend failed');
    else logger.error({ ...told, err: error }, 'a request failed');
    return problem;
  }

  /** Who waits for us does not stand still; who leaves us waiting does. */
  #stoodStill(socket: Socket): void {
    const waitsForUs = [...this.#underWay.on(socket)].some(
      ({ req, writableLength, writableEnded }) => req.complete && writableLength === 0 && !writableEnded,
    );
    if (waitsForUs) socket.setTimeout(this.#options.idleTimeout);
    else socket.destroy();
  }
}
