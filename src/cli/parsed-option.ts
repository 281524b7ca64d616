import type { Command } from 'commander';
import { VelocityError } from '../base/errors.ts';

/**
 * An option's value, read; `undefined`: it was not given.
 * @param name as commander has it: `maxSize`
 * @param expects ends a sentence: `a size such as 100GiB`
 * @throws VelocityError `USAGE`
 */
export function parsedOption<T>(
  command: Command,
  name: string,
  parse: (text: string) => T | undefined,
  expects: string,
): T | undefined {
  const text: unknown = command.getOptionValue(name);
  if (typeof text !== 'string') return undefined;
  const value = parse(text);
  if (value !== undefined) return value;
  const flag = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new VelocityError('USAGE', `${flag}: expected ${expects}, found "${text}".`);
}
