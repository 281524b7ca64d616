import { VelocityError } from '../../base/errors.ts';
import type { Reply } from './post-json.ts';

/** What a build server says of a build that it did. */
export interface Built {
  /** On the disk of the build server, which is this machine's. */
  readonly path: string;
  readonly logs: string;
  /** As the build server measured it. */
  readonly durationMs: number | undefined;
}

/** What it says of one that it did not do. */
export interface NotBuilt {
  readonly error: VelocityError;
  /** Whether the same may go well a little later. */
  readonly mayPass: boolean;
}

/** Connect's names (connectrpc.com/docs/protocol#error-codes) of what may be another way in a moment. */
const PASSING_CODES: ReadonlySet<string> = new Set([
  'aborted',
  'already_exists', // the same build is under way there
  'deadline_exceeded',
  'resource_exhausted',
  'unavailable',
]);
const PASSING_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const MAX_REASON = 2_000;

/** Of both forms: Connect's, `{path, logs}` or `{code, message}`, and `{success, path, build_id, duration_ms}` or `{success, error, code}`. */
export function readReply({ status, text }: Reply): Built | NotBuilt {
  const fields = fieldsOf(text);
  const { path = '', logs, duration_ms: durationMs } = fields;
  const isDone = status >= 200 && status < 300 && fields['success'] !== false;
  if (!isDone) return failure(status, fields);
  if (!text.trimStart().startsWith('{') || typeof path !== 'string')
    return failed(
      'BUILD_SERVER_FAILED',
      `The build server answers ${status} with what is no reply to a build.`,
    );
  const written = textOf(logs) ?? '';
  if (path === '')
    return failed(
      'BUILD_EMPTY',
      `The build server was done without a binary. Its logs end: ${lastOf(written)}`,
    );
  return { path, logs: written, durationMs: typeof durationMs === 'number' ? durationMs : undefined };
}

function failure(status: number, fields: Readonly<Record<string, unknown>>): NotBuilt {
  const code = textOf(fields['code'])?.toLowerCase();
  const reason = textOf(fields['message']) ?? textOf(fields['error']);
  // What the server itself calls it goes before the status, which may be of a proxy between.
  const mayPass = code === undefined ? PASSING_STATUSES.has(status) : PASSING_CODES.has(code);
  const called = code === undefined ? `${status}` : `${status}, ${code}`;
  const said = reason === undefined ? 'It gives no reason.' : lastOf(reason);
  if (mayPass) return failed('BUILD_SERVER_FAILED', `The build server answers ${called}: ${said}`, true);
  return failed('BUILD_FAILED', `The build failed (${called}): ${said}`);
}

function failed(
  code: 'BUILD_FAILED' | 'BUILD_SERVER_FAILED' | 'BUILD_EMPTY',
  message: string,
  mayPass = false,
): NotBuilt {
  return { error: new VelocityError(code, message), mayPass };
}

/** Errors of compilers are at the end. */
function lastOf(text: string): string {
  const trimmed = text.trim();
  return trimmed.length > MAX_REASON ? `…${trimmed.slice(-MAX_REASON)}` : trimmed;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const raw: unknown = JSON.parse(text);
    return typeof raw === 'object' && raw !== null ? (raw as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
