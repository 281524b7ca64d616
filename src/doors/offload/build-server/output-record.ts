import * as z from 'zod';
import type { Digest } from '../../../base/digest.ts';

/** What stands beside a binary: its record and its log. */
export const OUR_FILES = ['build.json', 'build.log'] as const;

/** What is known of a binary that is kept, beside it as JSON. */
export interface OutputRecord {
  readonly version: 1;
  /** SHA-256 of its spec. */
  readonly key: Digest;
  readonly buildId: string;
  /** Name of the recipe, and SHA-256 of all that it says: by another one it would be another binary. */
  readonly recipe: string;
  readonly recipeDigest: Digest;
  /** Name of the binary in the folder. */
  readonly file: string;
  readonly bytes: number;
  /** Milliseconds since the epoch. */
  readonly builtAt: number;
  readonly durationMs: number;
  /** The spec names a branch. */
  readonly isMoving: boolean;
}

const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((text) => text as Digest);

const schema = z.object({
  version: z.literal(1),
  key: sha256,
  buildId: z.string(),
  recipe: z.string(),
  recipeDigest: sha256,
  file: z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/),
  bytes: z.int().nonnegative(),
  builtAt: z.number(),
  durationMs: z.number(),
  isMoving: z.boolean(),
});

/** `undefined` where the text is no such record. */
export function parseOutputRecord(text: string): OutputRecord | undefined {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
