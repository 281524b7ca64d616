import { rememberedLines } from '../base/remembered.ts';
import { type Fields, fieldLines, withoutFields } from './fields.ts';
import { listMembers } from './list-members.ts';

/** About one connection, or between a client and its proxy. RFC 9110 §7.6.1 and RFC 9111 §3.1. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  // Trailers are not kept, so nothing announces them.
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Without these a response would seem to be another one, or to permit more than it does. So they stay, whichever other
 * field says that they are only for the next hop (RFC 9110 §7.6.1) or not to be kept.
 */
export const INDISPENSABLE: ReadonlySet<string> = new Set([
  'age',
  'cache-control',
  'cdn-cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'date',
  'expires',
  'host',
  'vary',
]);

/** What goes on to the next hop and into the store: nothing that was said about this connection. Either direction. */
export function endToEnd(fields: Fields): Fields {
  return withoutFields(fields, droppedBy(fieldLines(fields, 'connection')));
}

const droppedBy = rememberedLines((connection): ReadonlySet<string> => {
  const nominated = connection
    .flatMap(listMembers)
    .map((name) => name.toLowerCase())
    .filter((name) => !INDISPENSABLE.has(name));
  return nominated.every((name) => HOP_BY_HOP.has(name))
    ? HOP_BY_HOP
    : new Set([...HOP_BY_HOP, ...nominated]);
});
