import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** In the environment of tests: the folder in which the program lies as it is published. */
export const BUILT_VARIABLE = 'TEST_VELOCITY';

const built = process.env[BUILT_VARIABLE];

/** What processes of tests run: the program as it is published, or, where a test is run by itself, its sources. */
export const VELOCITY = join(
  built !== undefined && existsSync(join(built, 'dist')) ? built : join(import.meta.dirname, '../..'),
  'bin/velocity.js',
);
