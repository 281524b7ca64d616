import type { IncomingMessage } from 'node:http';
import { VelocityError } from '../../base/errors.ts';
import type { CheckState } from '../../files/publisher.ts';
import { preconditions } from '../../http/preconditions.ts';

/** Holds the conditions of a write against what is there when it is put in its place. RFC 9110 §13. */
export function writeConditions({ method = '', headers }: IncomingMessage): CheckState {
  return (state) => {
    const current = state && { etag: state.etag, modifiedAt: state.found.modifiedAt };
    if (preconditions(method, headers, current) === 'failed')
      throw new VelocityError('PRECONDITION_FAILED', 'The file is not as the request says it must be.');
  };
}
