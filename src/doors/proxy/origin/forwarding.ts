import type { IncomingMessage, ServerResponse } from 'node:http';
import { waitsToSend } from '../../../http/expect-continue.ts';
import type { TrustedProxies } from '../../../http/trusted-proxies.ts';
import { type Fields, withoutFields } from '../../../http-cache/fields.ts';
import { fieldMembers } from '../../../http-cache/list-members.ts';
import { forwardedFor } from './forwarded-for.ts';
import type { OriginRequest, OriginResponse } from './origin-client.ts';
import type { AdmittedRequest } from './request-hygiene.ts';
import { admittedTrailers, announcedTrailers } from './trailers.ts';

/** One request of a client's on its way to an origin. */
export interface Proxied {
  readonly message: IncomingMessage;
  readonly admitted: AdmittedRequest;
  readonly response: ServerResponse;
}

export interface ForwardOptions {
  /** Leaves out what is about one connection (RFC 9110 §7.6.1), in either direction. */
  readonly endToEnd: (fields: Fields) => Fields;
  readonly trusted: TrustedProxies;
  /** Our name in Via. RFC 9110 §7.6.3. */
  readonly via: string;
  /** The Host that the origin is told, where it is not the client's. */
  readonly host?: string;
}

/** Those that are written below, or by the origin client. */
const REWRITTEN: ReadonlySet<string> = new Set(['host', 'content-length', 'expect']);

/** What an origin is sent of a client's request. */
export function requestToOrigin(
  { message, admitted }: Omit<Proxied, 'response'>,
  { endToEnd, trusted, via, host }: ForwardOptions,
): OriginRequest {
  const { method, target, body, version } = admitted;
  const kept = withoutFields(endToEnd(admitted.fields), REWRITTEN);
  const fields = ['Host', host ?? admitted.host].concat(
    forwardedFor(kept, admitted.host, message.socket, trusted),
    ['Via', `${version} ${via}`],
  );
  const asked = { method, target, fields, takesTrailers: takesTrailers(admitted) };
  if (body === 'none') return asked;
  if (typeof body === 'number') fields.push('Content-Length', String(body));
  // The client is asked for its body when that is first read, which the origin client does when the origin asks.
  if (waitsToSend(message)) fields.push('Expect', '100-continue');
  const announced = body === 'chunked' ? announcedTrailers(admitted.fields) : [];
  if (announced.length === 0) return { ...asked, body: message };
  fields.push('Trailer', announced.join(', '));
  const trailers = (): Fields => admittedTrailers(message.rawTrailers, announced);
  return { ...asked, body: message, trailers };
}

/** Whether the client has said that trailers are not lost on it. RFC 9110 §6.5.1. */
export function takesTrailers({ fields, version }: AdmittedRequest): boolean {
  return version !== '1.0' && fieldMembers(fields, 'te').some((one) => one.toLowerCase() === 'trailers');
}

/** Whether an answer ends with its head. RFC 9112 §6.3. */
export function isBodiless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304;
}

/** The head that a client gets of an origin's answer, without a word on trailers. */
export function fieldsToClient(answer: OriginResponse, { endToEnd, via }: ForwardOptions): Fields {
  const fields = endToEnd(answer.fields).concat('Via', `${answer.version} ${via}`);
  // RFC 9110 §8.6: not even one of 0.
  return answer.status === 204 ? withoutFields(fields, new Set(['content-length'])) : fields;
}
