/**
 * The messages of GitHub's cache service v2: Twirp with JSON. A field may be spelled as in the schema
 * (`restore_keys`) or as JSON's mapping has it (`restoreKeys`), a 64-bit number be a text or a number, what is at its
 * default be left out, and what is unknown be there.
 * https://protobuf.dev/programming-guides/json/
 */
import { VelocityError } from '../../../base/errors.ts';
import type { Problem } from '../../../http/problem.ts';
import type { ProtocolAnswer } from './protocol.ts';

/** The toolkit sends at most 10 keys in all. */
const MAX_RESTORE_KEYS = 10;

export interface Asked {
  readonly key: string;
  readonly version: string;
  readonly restoreKeys: readonly string[];
  readonly sizeBytes: number;
}

/** @throws VelocityError `BAD_REQUEST` */
export function readMessage(message: unknown): Asked {
  if (typeof message !== 'object' || message === null || Array.isArray(message))
    throw malformed('body', 'must be a JSON object');
  const fields = new Map(Object.entries(message));
  const field = (snake: string, camel: string): unknown => fields.get(snake) ?? fields.get(camel);
  return {
    key: text('key', fields.get('key') ?? ''),
    version: text('version', fields.get('version') ?? ''),
    restoreKeys: texts('restore_keys', field('restore_keys', 'restoreKeys') ?? []),
    sizeBytes: size('size_bytes', field('size_bytes', 'sizeBytes') ?? 0),
  };
}

function text(name: string, value: unknown): string {
  if (typeof value !== 'string') throw malformed(name, 'must be a text');
  return value;
}

function texts(name: string, value: unknown): string[] {
  if (!Array.isArray(value) || value.length > MAX_RESTORE_KEYS)
    throw malformed(name, `must be a list of at most ${MAX_RESTORE_KEYS} texts`);
  return value.map((item) => text(name, item));
}

function size(name: string, value: unknown): number {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^\d{1,16}$/.test(value));
  const bytes = isNumber ? Number(value) : Number.NaN;
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw malformed(name, 'must be a number of bytes');
  return bytes;
}

function malformed(field: string, what: string): VelocityError {
  return new VelocityError('BAD_REQUEST', `${field} ${what}.`, { field });
}

/** https://twitchtv.github.io/twirp/docs/errors.html */
const TWIRP_CODES: Readonly<Record<number, string>> = {
  400: 'invalid_argument',
  401: 'unauthenticated',
  403: 'permission_denied',
  404: 'not_found',
  409: 'already_exists',
  413: 'out_of_range',
  429: 'resource_exhausted',
};

/**
 * A refusal as Twirp spells it. Trouble of ours is told as an answer that says no: of an error the toolkit would try
 * each call again for half a minute, and wireit would ask no more in its run; so a look-up misses and a save is let be.
 */
export function twirpFailure({ status, code, detail }: Problem): ProtocolAnswer {
  const contentType = 'application/json';
  if (status >= 500)
    return { status: 200, contentType, body: JSON.stringify({ ok: false, message: detail }) };
  const answered = code === 'ALREADY_STORED' ? 409 : status;
  const body = JSON.stringify({ code: TWIRP_CODES[answered] ?? 'failed_precondition', msg: detail });
  return { status: answered, contentType, body };
}
