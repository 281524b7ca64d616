import type { Fields } from '../../../http-cache/fields.ts';

/**
 * By these frameworks take a request for one to another address, host or method than it names. They are part of no key, so
 * an answer to them is none to anybody else. Those that begin with X-Forwarded do not get as far as this.
 */
const OVERRIDING: ReadonlySet<string> = new Set([
  'x-host',
  'x-http-destinationurl',
  'x-http-host-override',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-host',
  'x-original-url',
  'x-override-url',
  'x-rewrite-url',
]);

const X_NAME = /^x/i;

/** Whether an origin may read it as another request. CGI makes the same of `_` and `-` (RFC 3875 §4.1.18). */
export function asksForAnother(fields: Fields): boolean {
  for (let at = 0; at < fields.length; at += 2) if (isOverriding(fields[at] ?? '')) return true;
  return false;
}

/** @param name as it was spelt */
export function isOverriding(name: string): boolean {
  return X_NAME.test(name) && OVERRIDING.has(name.toLowerCase().replaceAll('_', '-'));
}
