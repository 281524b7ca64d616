import { createHash, type KeyObject, verify } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { Refusal } from './refusal.ts';

const ALGORITHM = 'GOOG4-RSA-SHA256';
const SEVEN_DAYS_S = 604_800;
const SKEW_MS = 15 * 60_000;

export interface Account {
  readonly email: string;
  readonly publicKey: KeyObject;
}

/**
 * Holds a request with a V4 signed URL against its signature: the canonical request is built anew from
 * what arrived. https://cloud.google.com/storage/docs/authentication/canonical-requests
 * @throws Refusal
 */
export function assertSigned(request: IncomingMessage, account: Account, now: number): void {
  const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://any');
  const field = (name: string): string => query.get(name) ?? refuse(400, 'MalformedSecurityHeader');
  const date = field('X-Goog-Date');
  const scope = `${date.slice(0, 8)}/auto/storage/goog4_request`;
  if (field('X-Goog-Algorithm') !== ALGORITHM) refuse(400, 'MalformedSecurityHeader');
  if (field('X-Goog-Credential') !== `${account.email}/${scope}`) refuse(403, 'AccessDenied');
  assertInTime(date, field('X-Goog-Expires'), now);

  const names = field('X-Goog-SignedHeaders');
  const canonical = [
    request.method === 'HEAD' ? 'GET' : request.method, // a URL that reads answers both
    pathname.split('/').map(decodeURIComponent).map(escapeBytes).join('/'),
    canonicalQuery(query),
    canonicalHeaders(request, names.split(';')),
    names,
    'UNSIGNED-PAYLOAD',
  ].join('\n');
  const signed = [ALGORITHM, date, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const signature = Buffer.from(field('X-Goog-Signature'), 'hex');
  if (!verify('sha256', Buffer.from(signed), account.publicKey, signature))
    refuse(403, 'SignatureDoesNotMatch');
}

function assertInTime(date: string, expires: string, now: number): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date);
  if (!parts || !/^\d{1,6}$/.test(expires)) throw new Refusal(400, 'MalformedSecurityHeader');
  const [year = 0, month = 0, ...rest] = parts.slice(1).map(Number);
  const start = Date.UTC(year, month - 1, ...rest);
  const ttl = Number(expires);
  if (ttl < 1 || ttl > SEVEN_DAYS_S) refuse(400, 'MalformedSecurityHeader');
  if (start > now + SKEW_MS) refuse(403, 'RequestNotYetValid');
  if (now > start + ttl * 1000) refuse(400, 'ExpiredToken');
}

function canonicalQuery(query: URLSearchParams): string {
  return [...query]
    .filter(([name]) => name !== 'X-Goog-Signature')
    .map(([name, value]) => [escapeBytes(name), escapeBytes(value)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

function canonicalHeaders(request: IncomingMessage, names: string[]): string {
  if (!names.includes('host')) refuse(400, 'MalformedSecurityHeader');
  const unsigned = Object.keys(request.headers).filter(
    (name) => name.startsWith('x-goog-') && !names.includes(name),
  );
  if (unsigned.length > 0) refuse(403, 'MalformedSecurityHeader');
  return names
    .map((name) => {
      const value = request.headers[name] ?? refuse(400, 'MalformedSecurityHeader');
      return `${name}:${String(value).trim().replaceAll(/\s+/g, ' ')}\n`;
    })
    .join('');
}

function escapeBytes(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9\-._~]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

function refuse(status: number, code: string): never {
  throw new Refusal(status, code);
}
