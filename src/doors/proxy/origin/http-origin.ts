import * as http from 'node:http';
import * as https from 'node:https';
import { isIP } from 'node:net';
import { type Fields, withoutFields } from '../../../http-cache/fields.ts';
import { KEPT_CONNECTIONS } from '../../../storage/kept-connections.ts';
import { ConnectionLimit } from './connection-limit.ts';
import { Exchange } from './exchange.ts';
import { LimitedAgent } from './limited-agent.ts';
import type {
  OriginClient,
  OriginHooks,
  OriginRequest,
  OriginResponse,
  SwitchedProtocol,
} from './origin-client.ts';
import { OriginError } from './origin-error.ts';
import { type OriginSettings, originAddress } from './origin-settings.ts';
import { announcedLength } from './send-body.ts';
import { maySendAgain } from './sent-again.ts';

/** Those that this end of the connection writes itself. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'te',
  'transfer-encoding',
  'upgrade',
]);
/** Likewise, of a request whose body has no length that is known. */
export const OWN_FIELDS_AND_LENGTH: ReadonlySet<string> = new Set([...OWN_FIELDS, 'content-length']);

/**
 * An origin over node:http and not undici, which the rest of the world uses: a proxy passes on interim answers with their
 * fields, fields as they were spelt, trailers and switched protocols, and node:http shows all of these.
 */
export class HttpOrigin implements OriginClient {
  readonly #settings: OriginSettings;
  readonly #agent: http.Agent;
  readonly #request: typeof http.request;
  readonly #address: https.RequestOptions;

  /** @param limit in which its connections are, where they are not the only ones to their origin; over TLS they always are */
  constructor(settings: OriginSettings, limit = new ConnectionLimit(settings.maxConnections)) {
    this.#settings = settings;
    const { host, port, isTls } = originAddress(settings);
    const kept = { ...KEPT_CONNECTIONS, timeout: settings.keepIdle, maxSockets: settings.maxConnections };
    this.#request = isTls ? https.request : http.request;
    this.#agent = isTls ? new https.Agent(kept) : new LimitedAgent(kept, limit);
    // By which it tells its connections apart: from one origin's to another's. Node puts all options of each request together.
    this.#agent.getName = () => settings.url;
    this.#address = { host, port, ...(isTls ? tlsOptions(settings, host) : {}) };
  }

  async send(request: OriginRequest, hooks: OriginHooks = {}): Promise<OriginResponse> {
    return answerOf(await this.#exchange(request, hooks));
  }

  /** By connections of another agent, which are handed over for it. */
  async sendBy(agent: http.Agent, request: OriginRequest, hooks: OriginHooks): Promise<OriginResponse> {
    return answerOf(await this.#open(request, hooks, undefined, agent).outcome);
  }

  upgrade(
    request: Omit<OriginRequest, 'body' | 'trailers'>,
    protocol: string,
    hooks: OriginHooks = {},
  ): Promise<OriginResponse | SwitchedProtocol> {
    return this.#exchange(request, hooks, protocol.toLowerCase());
  }

  close(): void {
    this.#agent.destroy();
  }

  async #exchange(
    request: OriginRequest,
    hooks: OriginHooks,
    protocol?: string,
  ): Promise<OriginResponse | SwitchedProtocol> {
    const first = this.#open(request, hooks, protocol);
    try {
      return await first.outcome;
    } catch (error) {
      // Once; not on another kept one, which the origin may have closed for the same reason.
      if (!first.wasUnheard || !maySendAgain(request)) throw error;
      for (const socket of Object.values(this.#agent.freeSockets).flat()) socket?.destroy();
      return this.#open(request, hooks, protocol).outcome;
    }
  }

  #open(
    request: OriginRequest,
    hooks: OriginHooks,
    protocol: string | undefined,
    agent = this.#agent,
  ): Exchange {
    const { maxHeadBytes, maxFields } = this.#settings;
    const client = this.#request({
      ...this.#address,
      agent,
      method: request.method,
      path: request.target,
      headers: headOf(request, protocol),
      maxHeaderSize: maxHeadBytes,
      insecureHTTPParser: false,
    });
    client.maxHeadersCount = maxFields + 1; // one more than may be, to see that there are too many
    return new Exchange(this.#settings, client, request, hooks, protocol);
  }
}

/** Nobody has asked for another protocol. */
function answerOf(outcome: OriginResponse | SwitchedProtocol): OriginResponse {
  if (outcome.kind === 'answer') return outcome;
  outcome.socket.destroy();
  throw new OriginError('malformed');
}

/** All fields with those about this connection: how the body ends, and what is asked of the origin as the next hop. */
function headOf(
  { method, fields, body, takesTrailers }: OriginRequest,
  protocol: string | undefined,
): Fields {
  const isCounted = body !== undefined && announcedLength(fields) !== undefined;
  const dropped = isCounted ? OWN_FIELDS : OWN_FIELDS_AND_LENGTH;
  const head = [...withoutFields(fields, dropped)];
  const connection = ['keep-alive'];
  if (body !== undefined && !isCounted) head.push('Transfer-Encoding', 'chunked');
  // Without it Node would announce a body of methods that usually have one.
  if (body === undefined && !BODILESS.has(method)) head.push('Content-Length', '0');
  if (takesTrailers) {
    head.push('TE', 'trailers');
    connection.push('TE');
  }
  if (protocol !== undefined) {
    head.push('Upgrade', protocol);
    connection.splice(0, 1, 'Upgrade');
  }
  return [...head, 'Connection', connection.join(', ')];
}

const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'DELETE']);

function tlsOptions({ tls = {} }: OriginSettings, host: string): https.RequestOptions {
  return {
    // Without it Node would ask for whatever the Host field says. An address is no name to ask for (RFC 6066 §3).
    servername: tls.serverName ?? (isIP(host) ? '' : host),
    rejectUnauthorized: tls.isVerified ?? true,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
  };
}
