import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What an answer is told and tells beside what is sent. */
export interface CountedAnswer {
  /** Sent with its head, once it is set, unless that has one of its own. */
  requestId: string | undefined;
  /** Of the body, as far as it was handed over. */
  readonly sentBytes: number;
}

const NAME = 'x-request-id';

type Hand = (...args: unknown[]) => never;

/**
 * An answer of HTTP/1 that carries the id of its request and counts its body. A field that is set by itself has Node take all
 * others apart and put them together again: so the id is written with them.
 */
export class CountedResponse<Message extends IncomingMessage = IncomingMessage>
  extends ServerResponse<Message>
  implements CountedAnswer
{
  requestId: string | undefined;
  #sentBytes = 0;

  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** One that has waited for others of its connection, and was cut meanwhile, is cut now; Node would leave it as it is. */
  override assignSocket(socket: Socket): void {
    super.assignSocket(socket);
    if (this.destroyed) socket.destroy();
  }

  override writeHead(...args: unknown[]): this {
    const id = this.requestId;
    const [status, reason, fields] = args;
    const given: unknown = fields ?? (typeof reason === 'string' ? [] : (reason ?? []));
    if (id === undefined) return this.#writeAs(args);
    if (!Array.isArray(given) || this.getHeaderNames().length > 0) {
      this.setHeader(NAME, id);
      return this.#writeAs(args);
    }
    const text = typeof reason === 'string' ? reason : undefined;
    return this.#writeAs([status, text, isNamed(given) ? given : [...given, NAME, id]]);
  }

  override write(...args: unknown[]): boolean {
    this.#count(args[0]);
    return Reflect.apply(super.write as Hand, this, args);
  }

  override end(...args: unknown[]): this {
    this.#count(args[0]);
    return Reflect.apply(super.end as Hand, this, args);
  }

  #writeAs(args: unknown[]): this {
    Reflect.apply(super.writeHead as Hand, this, args);
    return this;
  }

  #count(chunk: unknown): void {
    if (this.req.method === 'HEAD') return; // Node drops it
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) this.#sentBytes += Buffer.byteLength(chunk);
  }
}

/** @param fields name, value, name, value */
function isNamed(fields: readonly unknown[]): boolean {
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at];
    if (typeof name === 'string' && name.length === NAME.length && name.toLowerCase() === NAME) return true;
  }
  return false;
}
