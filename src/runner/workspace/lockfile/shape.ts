/** What a parsed lockfile must look like, and the one error for when it does not. */
import { messageOf, VelocityError } from '../../../base/errors.ts';

export type Entries<T> = readonly (readonly [key: string, value: T])[];

export function malformed(file: string, what: string, cause?: unknown): VelocityError {
  const advice = 'Restore the file or let the package manager write it again.';
  const sentence = what.replace(/[.\s]+$/, '');
  return new VelocityError('WORKSPACE_INVALID', `${file} is malformed: ${sentence}. ${advice}`, { cause });
}

/** Runs a parser; what it throws becomes our error. */
export function parsed(file: string, parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    throw malformed(file, messageOf(error).split('\n', 1)[0] ?? '', error);
  }
}

/** The object's own entries; none where there is no value. */
export function entriesOf(value: unknown, file: string, where: string): Entries<unknown> {
  return value === undefined ? [] : Object.entries(recordOf(value, file, where));
}

/** Entries whose values are all text, as dependencies are. */
export function textsOf(value: unknown, file: string, where: string): Entries<string> {
  return entriesOf(value, file, where).map(([key, text]) => {
    if (typeof text !== 'string') throw malformed(file, `"${key}" in ${where} is not text`);
    return [key, text] as const;
  });
}

export function recordOf(value: unknown, file: string, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(file, `${where} is not an object`);
  }
  return value as Readonly<Record<string, unknown>>;
}

/** The first of the values that is text and not empty; '' where none is. */
export function firstText(...values: readonly unknown[]): string {
  for (const value of values) {
    if (typeof value === 'string' && value !== '') return value;
  }
  return '';
}

/** `@scope/name@rest` → `@scope/name`; the first character may be the scope's own `@`. */
export function nameBeforeVersion(text: string): string {
  const at = text.indexOf('@', 1);
  return at === -1 ? text : text.slice(0, at);
}
