import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { SimpleRequest } from './simple-request.ts';

/**
 * A simple request in the form of Node's `IncomingMessage`, as far as ours read that of one without a body: all of it is
 * here, so it is no stream.
 */
export class SimpleMessage {
  readonly method: string;
  readonly url: string;
  readonly httpVersion = '1.1';
  readonly rawHeaders: readonly string[];
  readonly rawTrailers: readonly string[] = [];
  readonly complete = true;
  readonly destroyed = false;
  readonly socket: Socket;

  constructor({ method, target, fields }: SimpleRequest, socket: Socket) {
    this.method = method;
    this.url = target;
    this.rawHeaders = fields;
    this.socket = socket;
  }

  /** By names in lower case; none is there twice. */
  get headers(): IncomingHttpHeaders {
    return headersOf(this.rawHeaders);
  }
}

/** Clients send the same fields again and again, and then they are the same object. */
const known = new WeakMap<readonly string[], IncomingHttpHeaders>();

function headersOf(fields: readonly string[]): IncomingHttpHeaders {
  const before = known.get(fields);
  if (before) return before;
  const headers: IncomingHttpHeaders = {};
  for (let at = 0; at < fields.length; at += 2) headers[(fields[at] ?? '').toLowerCase()] = fields[at + 1];
  known.set(fields, headers);
  return headers;
}
