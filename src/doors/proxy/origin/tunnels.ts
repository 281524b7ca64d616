import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../../base/clock.ts';
import { VelocityError } from '../../../base/errors.ts';
import { toProblem, writeProblem } from '../../../http/problem.ts';
import { nextRequestId } from '../../../http/request-id.ts';
import { fieldLines } from '../../../http-cache/fields.ts';
import { fieldMembers } from '../../../http-cache/list-members.ts';
import { Deadline } from './deadline.ts';
import { relayAnswer } from './forward.ts';
import { type ForwardOptions, type Proxied, requestToOrigin } from './forwarding.ts';
import type { OriginClient, SwitchedProtocol } from './origin-client.ts';

export interface TunnelSettings {
  /** In lower case. Whatever else clients want to speak (h2c, for one) is not asked of the origin: it would go past us. */
  readonly protocols: readonly string[];
  /** How long no byte may move either way, in ms. */
  readonly idleTimeout: number;
  /** How many there may be at a time, those included for which the origin has not answered yet. */
  readonly limit: number;
  readonly clock: Clock;
}

/** What Node's `upgrade` event hands over, once it was admitted. */
export interface UpgradeRequest extends Omit<Proxied, 'response'> {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Connections that client and origin switch to another protocol (RFC 9110 §7.8), and we pass on without looking. */
export class Tunnels {
  readonly #settings: TunnelSettings;
  readonly #open = new Set<Duplex>();

  constructor(settings: TunnelSettings) {
    this.#settings = settings;
  }

  get size(): number {
    return this.#open.size;
  }

  /** For Node's `shouldUpgradeCallback`: what is not taken is an ordinary request, whose Upgrade goes no further. */
  readonly takes = (message: IncomingMessage): boolean => {
    const { method, httpVersion, rawHeaders } = message;
    const [protocol = '', ...others] = fieldMembers(rawHeaders, 'upgrade');
    const isKnown = others.length === 0 && this.#settings.protocols.includes(protocol.toLowerCase());
    // With a body nobody could tell where it ends and the new protocol begins.
    const hasBody = ['content-length', 'transfer-encoding'].some(
      (name) => fieldLines(rawHeaders, name).length > 0,
    );
    return isKnown && !hasBody && method === 'GET' && httpVersion === '1.1';
  };

  /**
   * Asks the origin to switch. What it answers instead, or that it does not answer, is an ordinary answer. Never rejects;
   * resolves to the status, once the connection is switched or has its answer.
   */
  async open(
    request: UpgradeRequest,
    origin: OriginClient,
    options: ForwardOptions,
  ): Promise<number | 'aborted'> {
    const { message, admitted, socket, head } = request;
    socket.on('error', () => {}); // `close` follows, which is listened for
    const response = respondOn(socket as Socket, message);
    const gone = new AbortController();
    const onClose = (): void => {
      this.#open.delete(socket);
      gone.abort(new Error('the client is gone'));
    };
    socket.once('close', onClose);
    try {
      if (this.#open.size >= this.#settings.limit)
        throw new VelocityError('TUNNELS_EXHAUSTED', 'There are too many switched connections; try later.');
      this.#open.add(socket);
      const [protocol = ''] = fieldMembers(message.rawHeaders, 'upgrade');
      const asked = requestToOrigin({ message, admitted }, options);
      const answer = await origin.upgrade(asked, protocol, { signal: gone.signal });
      if (answer.kind === 'answer') {
        const end = await relayAnswer(answer, { message, admitted, response }, options);
        return end === 'whole' ? answer.status : end;
      }
      response.detachSocket(socket as Socket);
      socket.write(switchingHead(answer, protocol, options), 'latin1');
      this.#join(socket, head, answer);
      return 101;
    } catch (error) {
      if (gone.signal.aborted) return 'aborted';
      const problem = toProblem(error, nextRequestId());
      writeProblem(response, problem);
      return problem.status;
    }
  }

  /** Cuts all of them. */
  close(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #join(client: Duplex, clientHead: Buffer, { socket: origin, head: originHead }: SwitchedProtocol): void {
    const { clock, idleTimeout } = this.#settings;
    const idle = new Deadline(clock, idleTimeout, () => {
      client.destroy();
      origin.destroy();
    });
    idle.start();
    for (const [from, to, begun] of [
      [client, origin, clientHead],
      [origin, client, originHead],
    ] as const) {
      (from as Socket).setTimeout(0); // the limit of HTTP on what is no longer HTTP
      from.on('error', () => {});
      from.once('close', () => {
        idle.stop();
        to.destroy();
      });
      if (begun.length > 0) to.write(begun);
      from.on('data', () => idle.start());
      from.pipe(to);
    }
    if (client.destroyed) origin.destroy(); // its `close` may have passed already
  }
}

/** Answers on a socket that Node has handed over. It ends with the answer: nobody parses what comes next. */
export function respondOn(socket: Socket, message: IncomingMessage): ServerResponse {
  const response = new ServerResponse(message);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => socket.end());
  return response;
}

function switchingHead(
  { fields }: SwitchedProtocol,
  protocol: string,
  { endToEnd, via }: ForwardOptions,
): string {
  const lines = ['HTTP/1.1 101 Switching Protocols'];
  const passed = [...endToEnd(fields), 'Via', `1.1 ${via}`, 'Upgrade', protocol, 'Connection', 'Upgrade'];
  for (let at = 0; at < passed.length; at += 2) lines.push(`${passed[at]}: ${passed[at + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}
