import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import type { Preset } from '../../src/auth/access.ts';
import { velocity } from './cli.ts';

/** A token's text, as `velocity token new` prints it once it has written the token to the file. */
export async function newToken(file: string, preset: Preset, ...flags: readonly string[]): Promise<string> {
  const args = ['token', 'new', '--preset', preset, '--file', file, ...flags];
  const made = await velocity(args, { cwd: dirname(file) });
  assert.equal(made.exitCode, 0, made.stderr);
  return made.stdout.trim();
}
