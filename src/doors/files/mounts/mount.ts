import { VelocityError } from '../../../base/errors.ts';
import type { Bucket } from '../../../buckets/bucket.ts';
import { type FilePath, parseFilePath, ROOT } from '../../../files/file-path.ts';
import { keyRefusal, type ObjectKey } from '../../../storage/object-key.ts';

/** What is said of a mount, wherever it was said. */
export interface MountTerms {
  readonly path: FilePath;
  /** The name of a store. */
  readonly store: string;
  /** What the keys of its files begin with: empty, or ends with a slash. */
  readonly prefix: string;
  readonly label: string | undefined;
}

/** A folder of the files' namespace whose files are objects of a named store. */
export interface Mount extends MountTerms {
  /** The same as long as there is the mount, whatever becomes of its terms. */
  readonly id: string;
  /** Where it was made; what the configuration says is not changed through the API. */
  readonly source: 'configuration' | 'api';
  /** Milliseconds since the epoch; of one of the configuration the server's start. */
  readonly madeAt: number;
  /** `undefined`: the configuration has no store of this name any more. */
  readonly bucket: Bucket | undefined;
}

/** Where a path lies on a mount. */
export interface MountedPath {
  readonly path: FilePath;
  readonly mount: Mount;
  /** `undefined`: it is the mount itself, which is a folder. */
  readonly key: ObjectKey | undefined;
}

/** With or without a slash at either end. @throws VelocityError `BAD_REQUEST` */
export function parseMountPath(written: string): FilePath {
  const path = parseFilePath(written.startsWith('/') ? written.slice(1) : written);
  if (path === ROOT)
    throw new VelocityError('BAD_REQUEST', 'The root cannot be a mount; name a folder below it.', {
      field: 'path',
    });
  return path;
}

/** With or without a slash at its end. @throws VelocityError `BAD_REQUEST` */
export function parseMountPrefix(written: string): string {
  const folder = written.endsWith('/') ? written.slice(0, -1) : written;
  if (written === '') return '';
  const refusal = keyRefusal(folder);
  if (refusal !== undefined)
    throw new VelocityError('BAD_REQUEST', `The prefix cannot be used: ${refusal}.`, { field: 'prefix' });
  return `${folder}/`;
}
