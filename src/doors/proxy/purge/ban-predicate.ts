import { originOf } from '../../../http-cache/cache-uri.ts';
import { fieldValue } from '../../../http-cache/fields.ts';
import type { BanCondition, BanExpression, TextField } from './ban-condition.ts';
import { Glob } from './glob.ts';
import type { StoredSubject } from './stored-subject.ts';

/** Whether a ban is about a stored response. @param madeAt when the ban was, in milliseconds since the epoch */
export type BanPredicate = (subject: StoredSubject, madeAt: number) => boolean;

export function banPredicate(expression: BanExpression): BanPredicate {
  const predicates = expression.map(conditionPredicate);
  return (subject, madeAt) => predicates.every((holds) => holds(subject, madeAt));
}

function conditionPredicate(condition: BanCondition): BanPredicate {
  switch (condition.kind) {
    case 'text': {
      const { field, operator, text } = condition;
      return (subject) => (textOf(subject, field) === text) === (operator === '==');
    }
    case 'glob': {
      const { field, operator } = condition;
      const glob = new Glob(condition.glob);
      return (subject) => {
        const text = textOf(subject, field);
        return (text !== undefined && glob.matches(text)) === (operator === '~');
      };
    }
    case 'status': {
      const { operator, status } = condition;
      return ({ status: stored }) => {
        switch (operator) {
          case '==':
            return stored === status;
          case '!=':
            return stored !== status;
          case '<':
            return stored < status;
          case '>':
            return stored > status;
        }
      };
    }
    case 'age': {
      const { operator, ageMs } = condition;
      return ({ storedAt }, madeAt) =>
        operator === '<' ? madeAt - storedAt < ageMs : madeAt - storedAt > ageMs;
    }
  }
}

/** All lines of a field as one. One that is not there is equal to no text and matches no pattern. */
function textOf({ uri, fields }: StoredSubject, field: TextField): string | undefined {
  const origin = originOf(uri);
  if (field === 'req.url') return uri.slice(origin.length);
  if (field === 'req.host') return origin.slice(origin.indexOf('://') + 3);
  return fieldValue(fields, field.slice('obj.http.'.length));
}
