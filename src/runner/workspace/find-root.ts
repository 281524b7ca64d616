import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { VelocityError } from '../../base/errors.ts';
import { VELOCITY_FILE } from './velocity-file.ts';

/**
 * The nearest folder, from here upwards, that holds a `velocity.yml`.
 * @throws VelocityError `WORKSPACE_INVALID`
 */
export function findWorkspaceRoot(from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, VELOCITY_FILE))) return folder;
    if (dirname(folder) === folder) break;
  }
  throw new VelocityError(
    'WORKSPACE_INVALID',
    `There is no ${VELOCITY_FILE} in ${from} or any folder above it. Run "velocity init" at the root of the repository to make one.`,
  );
}
