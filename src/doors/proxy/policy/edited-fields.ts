import { type Fields, filterFields } from '../../../http-cache/fields.ts';
import { NOT_FOR_POLICIES } from './not-for-policies.ts';
import type { FieldEdits } from './policy.ts';

/** These two a policy may name, and they stay as they are: they go with the body that is sent, or asked for. */
const NOT_EDITED: ReadonlySet<string> = new Set([...NOT_FOR_POLICIES, 'content-range', 'expect']);

/** The fields with what a policy takes away and sets; what is not a policy's to say stays as it is. */
export function editedFields(fields: Fields, { set, remove }: FieldEdits): Fields {
  if (set.length === 0 && remove.length === 0) return fields;
  const added = filterFields(set, (name) => !NOT_EDITED.has(name));
  const gone = new Set(remove);
  for (let at = 0; at < added.length; at += 2) gone.add((added[at] ?? '').toLowerCase());
  return [...filterFields(fields, (name) => NOT_EDITED.has(name) || !gone.has(name)), ...added];
}
