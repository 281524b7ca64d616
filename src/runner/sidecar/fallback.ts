/**
 * What the sidecar tells clients in place of an answer it could not get or cannot hand on: whatever each protocol's
 * clients take for a miss, or for an upload that is done with. The protocols are told apart by their paths, which may
 * have any prefix.
 */

export interface Fallback {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** For the count: a lookup that is told as a miss, an upload that is dropped, or neither. */
  readonly means: 'miss' | 'dropped' | 'refused';
}

export interface AnswerHead {
  readonly status: number;
  readonly contentType: string | undefined;
}

const TEXT = 'text/plain'; // exactly so: some clients know it without a charset alone
const WHY = 'The cache is away; the sidecar answered in its place.';

/** A Nx client takes nothing else; any other status ends the build. Its specification, version 1.0.0. */
const NX = /\/v1\/cache\/[^/?]+$/;
const NX_TAKES: Readonly<Record<string, readonly number[]>> = { GET: [200, 404], PUT: [200, 403, 409] };
/** Requests of GitHub's cache service are messages, whose answers say by themselves that there is nothing. */
const TWIRP = /\/twirp\/[^/]+\/[^/]+$/;
const TURBO_EVENTS = /\/v8\/artifacts\/events$/;

/** @param path without its query */
export function fallbackFor(method: string, path: string): Fallback {
  if (NX.test(path) && method === 'PUT') return text(403, 'dropped'); // "not allowed", which Nx passes over in silence
  if (method === 'POST' && TWIRP.test(path)) return json({ ok: false }, 'miss');
  if (method === 'POST' && TURBO_EVENTS.test(path)) return json({}, 'dropped');
  switch (method) {
    case 'GET':
    case 'HEAD':
    case 'PROPFIND':
      return text(404, 'miss');
    case 'PUT':
      return text(200, 'dropped'); // what Turborepo, Bazel, Gradle, ccache, Rush and Maven take for stored
    case 'MKCOL':
      return text(201, 'dropped'); // RFC 4918 §9.3.1
    default:
      return text(502, 'refused'); // no cache's client needs a lie here
  }
}

/**
 * Whether a gateway's answer is one for the client: not its own trouble, not a complaint about a token which is the
 * sidecar's, and of Nx nothing that would end the build, such as the page of a proxy on the way.
 */
export function isForClient(method: string, path: string, { status, contentType }: AnswerHead): boolean {
  if (status >= 500 || status === 401 || status === 407) return false;
  const taken = NX.test(path) ? NX_TAKES[method] : undefined;
  if (taken === undefined) return true;
  return taken.includes(status) && !(status === 200 && method === 'GET' && isPage(contentType));
}

function isPage(contentType: string | undefined): boolean {
  return contentType?.startsWith('text/html') ?? false;
}

function text(status: number, means: Fallback['means']): Fallback {
  return { status, contentType: TEXT, body: WHY, means };
}

function json(body: unknown, means: Fallback['means']): Fallback {
  return { status: 200, contentType: 'application/json', body: JSON.stringify(body), means };
}
