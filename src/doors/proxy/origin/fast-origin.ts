import { fieldLine } from '../../../base/field-syntax.ts';
import { type Fields, fieldValue, withoutFields } from '../../../http-cache/fields.ts';
import type { ConnectionLimit } from './connection-limit.ts';
import { HandedOver, HandedOverAgent } from './handed-over.ts';
import { type HttpOrigin, OWN_FIELDS_AND_LENGTH } from './http-origin.ts';
import type {
  OriginClient,
  OriginHooks,
  OriginRequest,
  OriginResponse,
  SwitchedProtocol,
} from './origin-client.ts';
import { OriginConnections } from './origin-connections.ts';
import { type OriginSettings, originAddress } from './origin-settings.ts';
import { keptSeconds } from './simple-answer.ts';
import { SimpleExchange } from './simple-exchange.ts';

type SimpleMethod = 'GET' | 'HEAD';

/** As Node checks it. Of what is more than that Node says what is wrong. */
const TARGET = /^[!-~]+$/;

/**
 * Asks an origin for what is asked for most: GET and HEAD without a body. It does so on connections of its own, without the
 * objects that Node makes for a request, and reads what comes as long as it is simple (`simpleAnswerIn`). All other requests,
 * and an answer that is anything else, bytes untouched, are those of a client of Node's. Both give the same answers.
 */
export class FastOrigin implements OriginClient {
  readonly #settings: OriginSettings;
  readonly #http: HttpOrigin;
  readonly #connections: OriginConnections;
  readonly #agent: HandedOverAgent;

  /** @param limit of `http`, too */
  constructor(settings: OriginSettings, http: HttpOrigin, limit: ConnectionLimit) {
    this.#settings = settings;
    this.#http = http;
    const { host, port } = originAddress(settings);
    const { keepIdle, clock } = settings;
    this.#connections = new OriginConnections({ host, port, limit, keepIdle, clock });
    this.#agent = new HandedOverAgent((connection, kept) => this.#connections.release(connection, kept));
  }

  send(request: OriginRequest, hooks: OriginHooks = {}): Promise<OriginResponse> {
    const text = isSimple(request) ? textOf(request) : undefined;
    if (text === undefined) return this.#http.send(request, hooks);
    const { outcome } = new SimpleExchange({
      ...{ settings: this.#settings, connections: this.#connections, hooks, text },
      method: request.method as SimpleMethod,
      handOver: (connection, first) => this.#readByNode(new HandedOver(connection, first), request, hooks),
    });
    return outcome;
  }

  upgrade(
    request: Omit<OriginRequest, 'body' | 'trailers'>,
    protocol: string,
    hooks?: OriginHooks,
  ): Promise<OriginResponse | SwitchedProtocol> {
    return this.#http.upgrade(request, protocol, hooks);
  }

  close(): void {
    this.#connections.close();
    this.#http.close();
  }

  async #readByNode(handed: HandedOver, request: OriginRequest, hooks: OriginHooks): Promise<OriginResponse> {
    try {
      const answer = await this.#agent.through(handed, () => this.#http.sendBy(this.#agent, request, hooks));
      handed.keptSeconds = keptSeconds(fieldValue(answer.fields, 'keep-alive') ?? '');
      return answer;
    } catch (error) {
      handed.destroy();
      throw error;
    }
  }
}

function isSimple({ method, body, takesTrailers }: OriginRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && body === undefined && !takesTrailers;
}

/** The request as it is sent. `undefined`: it cannot be. */
function textOf({ method, target, fields }: OriginRequest): string | undefined {
  if (!TARGET.test(target)) return undefined;
  const kept: Fields = withoutFields(fields, OWN_FIELDS_AND_LENGTH);
  let text = `${method} ${target} HTTP/1.1\r\n`;
  for (let at = 0; at < kept.length; at += 2) {
    const line = fieldLine(kept[at] ?? '', kept[at + 1] ?? '');
    if (line === undefined) return undefined;
    text += line;
  }
  return `${text}Connection: keep-alive\r\n\r\n`;
}
