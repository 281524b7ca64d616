import * as z from 'zod';
import { parseByteSize } from '../../base/byte-size.ts';
import { parseDuration } from '../../base/duration.ts';
import { isScopeName, NAME_EXPECTS } from '../../base/scope-name.ts';

/**
 * The shape of `velocity.yml`. From it come the checks, the types and the JSON Schema
 * that editors use; the descriptions are what an editor shows.
 */

export const VELOCITY_FILE = 'velocity.yml';

/** Interpolated values arrive as text, so `enabled: ${CI:-false}` must read as a boolean. */
const flag = z
  .union([z.boolean(), z.enum(['true', 'false'])], 'expected true or false')
  .transform((value) => value === true || value === 'true');

const duration = z
  .string('expected a duration such as 5s or 500ms')
  .refine((text) => parseDuration(text) !== undefined, 'expected a duration such as 5s or 500ms')
  .transform((text) => parseDuration(text) ?? 0);

const byteSize = z
  .union([z.string(), z.int()], 'expected a size such as 2GiB')
  .refine((value) => parseByteSize(String(value)) !== undefined, 'expected a size such as 2GiB')
  .transform((value) => parseByteSize(String(value)) ?? 0);

const scopeName = z.string().refine(isScopeName, `expected ${NAME_EXPECTS}`);

const ENV_NAME = 'expected the name of an environment variable';
const envName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*\*?$/, ENV_NAME);
const glob = z.string().min(1, 'expected a path or a glob');
const folder = glob.refine(
  (pattern) => !/^!?\//.test(pattern) && !pattern.replace(/^!/, '').split('/').includes('..'),
  'expected a folder below the workspace root',
);

const task = z.strictObject({
  command: z
    .string()
    .min(1, 'expected a command')
    .optional()
    .describe(
      'Shell command, run in the package’s folder. Without it, the package’s own script of the task’s name runs.',
    ),
  inputs: z
    .array(glob)
    .optional()
    .describe(
      'Files that decide the result: globs from the package’s folder, `!` takes out, a leading `/` counts from the workspace root, `$default` stands for the default: all files git tracks or would track.',
    ),
  outputs: z
    .array(glob)
    .optional()
    .describe(
      'Files the task makes: globs from the package’s folder, `!` takes out. They are kept and restored, exactly.',
    ),
  depends_on: z
    .array(z.string().min(1, 'expected a task'))
    .optional()
    .describe(
      'Tasks that come first: `^build` in the packages this one depends on, `build` in this package, `pkg#build` in another.',
    ),
  env: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, ENV_NAME),
      z
        .union([z.string(), z.number(), z.boolean()], 'expected text, a number, true or false')
        .transform(String),
    )
    .optional()
    .describe('Environment variables that are set for the task; part of its key.'),
  env_keys: z
    .array(envName)
    .optional()
    .describe(
      'Environment variables that decide the result: names and values are part of the key. A trailing `*` takes all that begin so.',
    ),
  cache: flag.optional().describe('false: the task always runs and nothing of it is kept. Default true.'),
  clean: flag
    .optional()
    .describe(
      'false: outputs of earlier runs stay when the task runs. Default true: they are removed first, so that none ends up in the artifact.',
    ),
});

const signature = z.strictObject({
  private_key: z
    .string()
    .optional()
    .describe(
      'Signs uploads; best as a variable, never written out. Empty: does not sign. VELOCITY_SIGNING_KEY goes before it.',
    ),
  trusted: z
    .array(
      z.strictObject({
        key: z.string().describe('A public key, as `velocity key new` prints it: ed25519:…'),
        scopes: z
          .array(scopeName)
          .min(1, 'expected at least one scope')
          .optional()
          .describe('The scopes it is trusted in. Default: any that the token reads.'),
      }),
    )
    .optional()
    .describe('Keys whose artifacts are used. With at least one, others from the remote cache are not.'),
});

export const velocityFileSchema = z.strictObject({
  $schema: z.string().optional(),
  version: z.literal(1).describe('Version of this file’s format.'),
  project_id: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._/@-]{0,99}$/, 'expected up to 100 letters, digits and . _ - / @')
    .optional()
    .describe('Keeps the keys of this project apart from those of others in the same cache.'),
  remote: z
    .strictObject({
      enabled: flag
        .optional()
        .describe('false: work without the remote cache. Default true where a url is given.'),
      url: z.string().optional().describe('The gateway, as http(s)://host[:port].'),
      token: z
        .string()
        .optional()
        .describe(
          'The gateway’s token; best as a variable, never written out. Without one, a CI job’s own identity token is used.',
        ),
      audience: z
        .string()
        .min(1, 'expected what the gateway’s rules have as audience')
        .optional()
        .describe('Whom a CI job’s own token is to be for, as the gateway’s rules demand. Default: the url.'),
      timeout: duration
        .optional()
        .describe('How long to wait for an answer before building without the remote cache. Default 5s.'),
      signature: signature.optional().describe('Who signs artifacts, and whose are used.'),
    })
    .optional()
    .describe('The shared cache.'),
  cache: z
    .strictObject({
      dir: z
        .string()
        .min(1, 'expected a folder')
        .optional()
        .describe(
          'Folder of the local cache. Default .velocity/cache; `shared` is one folder for all workspaces of this user.',
        ),
      max_artifact_size: byteSize
        .optional()
        .describe('Tasks with larger outputs are not cached. Default 4GiB.'),
    })
    .optional()
    .describe('The local cache.'),
  packages: z
    .array(folder)
    .optional()
    .describe(
      'Folders that are packages besides those of the npm, pnpm, yarn or bun workspace. Globs; `!` takes out.',
    ),
  global: z
    .strictObject({
      inputs: z
        .array(glob)
        .optional()
        .describe('Files at the workspace root that decide every task’s result, as globs from the root.'),
      env_keys: z
        .array(envName)
        .optional()
        .describe('Environment variables that decide every task’s result.'),
    })
    .optional(),
  pipeline: z
    .record(
      z.string().regex(/^(?:[^#^\s]+#)?[^#^\s]+$/, 'expected a task name, or package#task'),
      z.preprocess((value) => value ?? {}, task),
    )
    .describe('The tasks. `web#build` changes single settings of `build` for the package web.'),
});

export type VelocityFile = z.infer<typeof velocityFileSchema>;
export type TaskSettings = z.infer<typeof task>;
