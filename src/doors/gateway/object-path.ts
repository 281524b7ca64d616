import { VelocityError } from '../../base/errors.ts';
import { type ObjectKey, parseObjectKey } from '../../storage/object-key.ts';

/**
 * The key of an object in the target of a request to its bucket. Decoded once, and held against the rules of keys after
 * that: what was hidden from them by its encoding is not.
 * @throws VelocityError `INVALID_KEY`
 */
export function objectPath(target: string, bucket: string): ObjectKey {
  const path = target.split('?', 1)[0] ?? '';
  const prefix = `/${bucket}/`;
  // The router may have decoded more than this to get here.
  if (!path.startsWith(prefix)) throw refused('The path does not begin with its bucket as it is written.');
  let decoded: string;
  try {
    decoded = decodeURIComponent(path.slice(prefix.length));
  } catch (error) {
    throw new VelocityError('INVALID_KEY', 'The path is not valid percent-encoding.', {
      ...{ cause: error, field: 'path' },
    });
  }
  return parseObjectKey(decoded);
}

function refused(message: string): VelocityError {
  return new VelocityError('INVALID_KEY', message, { field: 'path' });
}
