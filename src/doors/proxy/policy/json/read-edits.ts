import { TOKEN } from '../../../../base/field-syntax.ts';
import type { Fields } from '../../../../http-cache/fields.ts';
import { NOT_FOR_POLICIES } from '../not-for-policies.ts';
import type { FieldEdits } from '../policy.ts';
import type { Answer } from './answer.ts';

const VALUE = /^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?$/;
const MAX_NAME_LENGTH = 256;
const MAX_VALUE_LENGTH = 8192;
const MAX_LINES = 100;

const NO_EDITS: FieldEdits = { set: [], remove: [] };

export function readEdits(answer: Answer): FieldEdits {
  const set = readSet(answer, 'set');
  const remove = answer.list('remove');
  if (remove === undefined && set.length === 0) return NO_EDITS;
  return { set, remove: (remove ?? []).map((name) => checkedName(answer, 'remove', name).toLowerCase()) };
}

/** Values by name: a text, or a list of them for so many lines. */
export function readSet(answer: Answer, key: string): Fields {
  const fields: string[] = [];
  for (const [given, values] of answer.entries(key)) {
    const name = checkedName(answer, key, given);
    for (const value of Array.isArray(values) ? values : [values]) {
      if (typeof value !== 'string' || value.length > MAX_VALUE_LENGTH || !VALUE.test(value))
        throw answer.wrong(
          key,
          `names with texts that a line can hold, up to ${MAX_VALUE_LENGTH} characters each ("${name}")`,
        );
      fields.push(name, value);
    }
  }
  if (fields.length > 2 * MAX_LINES) throw answer.wrong(key, `up to ${MAX_LINES} lines`);
  return fields;
}

function checkedName(answer: Answer, key: string, name: unknown): string {
  if (typeof name !== 'string' || name.length > MAX_NAME_LENGTH || !TOKEN.test(name))
    throw answer.wrong(key, 'of names that a line can have');
  if (NOT_FOR_POLICIES.has(name.toLowerCase()))
    throw answer.wrong(key, `without "${name}", which is for the proxy to write`);
  return name;
}
