import * as z from 'zod';
import { parseByteSize } from '../../../base/byte-size.ts';
import { parseDuration } from '../../../base/duration.ts';

/** The shape of the build server's file. From it come the checks, the types and the JSON Schema that editors use. */

function duration(fallback: string) {
  const expects = 'expected a duration such as 30s or 10m';
  return z
    .string(expects)
    .refine((text) => (parseDuration(text) ?? 0) > 0, expects)
    .default(fallback)
    .transform((text) => parseDuration(text) ?? 0);
}

function byteSize(fallback: string) {
  const expects = 'expected a size such as 512MiB';
  return z
    .union([z.string(), z.int()], expects)
    .refine((value) => (parseByteSize(String(value)) ?? 0) > 0, expects)
    .default(fallback)
    .transform((value) => parseByteSize(String(value)) ?? 0);
}

function count(min: number, max: number, fallback: number) {
  const expects = `expected a whole number between ${min} and ${max}`;
  return z.int(expects).min(min, expects).max(max, expects).default(fallback);
}

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const envName = z.string().regex(ENV_NAME, 'expected the name of an environment variable');

/** Below the working folder, and not the ones that are made for every build. */
const innerPath = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/,
    'expected a path inside the build’s folder',
  )
  .max(200, 'expected at most 200 characters');

/** `*` stands for any text. */
const glob = z.string().min(1, 'expected a text, in which * stands for any');
const globs = z
  .union([glob, z.array(glob).min(1, 'expected at least one')])
  .transform((given) => [given].flat());

const match = z
  .strictObject({
    os: globs.optional().describe('Operating systems by Go’s names.'),
    arch: globs.optional().describe('Architectures by Go’s names.'),
    rr_version: globs.optional().describe('Versions; `*` stands for any text: `v2024.*`.'),
    plugins: globs.optional().describe('Every plugin’s module is one of these; `*` stands for any text.'),
    race: z.boolean().optional().describe('Only with, or only without the race detector.'),
    debug: z.boolean().optional().describe('Only with, or only without debug information.'),
  })
  .describe('Which specs the recipe is for. Left out: all that it can see.');

const argument = z.string().max(8192, 'expected at most 8192 characters');

const file = z
  .union(
    [
      z.strictObject({ path: innerPath, text: z.string() }),
      z.strictObject({ path: innerPath, copy: z.string().min(1, 'expected a file') }),
    ],
    'expected a path, and either text or copy',
  )
  .describe('A file put into the build’s folder: its text as it stands here, or a copy of another.');

const recipe = z.strictObject({
  match: match.default({}),
  command: z
    .array(
      z.union(
        [argument, z.array(argument).min(1, 'expected at least one')],
        'expected a text, or a list of texts',
      ),
    )
    .min(1, 'expected a program and its arguments')
    .describe(
      'The program and its arguments; no shell reads them. Placeholders are filled in. An argument with {plugins}, or a list of arguments one of which has it, stands there once for each plugin.',
    ),
  env: z
    .record(envName, z.string())
    .default({})
    .describe('Variables that are set for the command. Placeholders are left as they are.'),
  pass_env: z
    .array(envName)
    .default([])
    .describe('Variables of the server that the command gets too; of the others none but PATH.'),
  files: z.array(file).default([]).describe('Files that are in the build’s folder when the command begins.'),
  output: innerPath.describe('Where the command puts the binary, in the build’s folder.'),
  timeout: duration('5m').describe('How long the command may take.'),
  max_output_bytes: byteSize('512MiB').describe('How large the binary may be.'),
  max_log_bytes: byteSize('1MiB').describe(
    'How much of what the command prints is kept: half of it from the beginning, half from the end.',
  ),
});

export const buildServerSchema = z.strictObject({
  $schema: z.string().optional(),
  listen: z.string().default('127.0.0.1:8090').describe('Host and port to listen on.'),
  output: z
    .string()
    .min(1, 'expected a folder')
    .optional()
    .describe('The folder in which binaries are kept.'),
  token: z
    .string()
    .regex(/^[!-~]+$/, 'expected visible ASCII characters without blanks')
    .optional()
    .describe(
      'What askers send as `Authorization: Bearer …`; best as a variable, never written out. Left out: all may ask.',
    ),
  concurrency: count(1, 1024, 2).describe('How many commands run at once.'),
  queue: count(0, 100_000, 32).describe('How many builds may wait for their turn; beyond, they are refused.'),
  grace: duration('30s').describe('How long builds under way may take once the server is told to end.'),
  keep: z
    .strictObject({
      entries: count(1, 1_000_000, 100).describe('How many binaries are kept.'),
      size: byteSize('10GiB').describe('How many bytes of them.'),
      age: duration('7d').describe('How long after its build a binary is given out.'),
      moving_age: duration('30m').describe('The same for a spec with a branch in it, such as master.'),
    })
    .prefault({}),
  recipes: z
    .record(z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'expected a name of a-z, 0-9, - and _'), recipe)
    .refine((recipes) => Object.keys(recipes).length > 0, 'expected at least one recipe')
    .describe('How to build, by name. The first one, as they stand here, that is for a spec builds it.'),
});

export type BuildServerFile = z.output<typeof buildServerSchema>;
export type Recipe = z.output<typeof recipe>;
