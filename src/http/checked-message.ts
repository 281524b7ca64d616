import type * as z from 'zod';
import { VelocityError } from '../base/errors.ts';

/**
 * The body of a request, held against its schema, whose messages go on a sentence that begins with the field. The first
 * mistake, with the field it is in, is what the client can act on.
 * @throws VelocityError `BAD_REQUEST`
 */
export function checkedMessage<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const field = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])].join('.') || 'body';
  const what = unknown === undefined ? (issue?.message ?? 'is not right') : 'is not a field of this message';
  throw new VelocityError('BAD_REQUEST', `${field} ${what}.`, { field });
}
