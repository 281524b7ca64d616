import { systemCode, VelocityError } from '../../../base/errors.ts';

/**
 * What went wrong with an origin. `refused`: no connection came about. `tls`: it did, and no trust. `reset`: it broke off.
 * `malformed`: what came is not HTTP, or not to be told apart from the next answer. `too-large-head`: of trailers, too.
 */
export type OriginFailure =
  | 'refused'
  | 'timeout-connect'
  | 'timeout-headers'
  | 'timeout-idle'
  | 'reset'
  | 'malformed'
  | 'too-large-head'
  | 'tls';

/** 504 for what took too long, 502 for all else (RFC 9110 §15.6). Its text names no address: clients read it. */
export class OriginError extends VelocityError {
  readonly failure: OriginFailure;

  /** @param detail for `malformed`: what is wrong with the answer */
  constructor(failure: OriginFailure, options: ErrorOptions & { readonly detail?: string } = {}) {
    const { detail, ...rest } = options;
    const text = detail === undefined ? TEXTS[failure] : `${TEXTS[failure]}: ${detail}`;
    super(failure.startsWith('timeout-') ? 'ORIGIN_TIMEOUT' : 'ORIGIN_FAILED', `${text}.`, rest);
    this.failure = failure;
  }
}

const TEXTS: Readonly<Record<OriginFailure, string>> = {
  refused: 'The origin takes no connection',
  'timeout-connect': 'No connection to the origin came about in time',
  'timeout-headers': 'The origin did not begin to answer in time',
  'timeout-idle': 'The transfer from or to the origin stood still for too long',
  reset: 'The origin closed the connection before its answer was whole',
  malformed: 'The answer of the origin is not well-formed HTTP',
  'too-large-head': 'The header or trailer of the origin’s answer is larger than the limit',
  tls: 'The TLS connection to the origin failed',
};

/** How far an exchange has come; what a socket's error means depends on it. */
export type Phase = 'connecting' | 'handshaking' | 'open' | 'answering';

/** A `VelocityError` stays what it is: whoever ended the exchange has said why. */
export function toOriginError(error: unknown, phase: Phase): VelocityError {
  if (error instanceof VelocityError) return error;
  const cause = { cause: error };
  if (phase === 'connecting') return new OriginError('refused', cause);
  if (phase === 'handshaking') return new OriginError('tls', cause);
  const code = systemCode(error) ?? '';
  if (code === 'HPE_HEADER_OVERFLOW') return new OriginError('too-large-head', cause);
  return new OriginError(code.startsWith('HPE_') ? 'malformed' : 'reset', cause);
}
