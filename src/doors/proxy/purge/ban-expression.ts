import { spellDuration } from '../../../base/duration.ts';
import type { BanCondition, BanExpression } from './ban-condition.ts';
import { BanReader, refusedBan } from './ban-reader.ts';

/** Characters. Bounds also what testing a response costs: see `Glob`. */
export const MAX_EXPRESSION_LENGTH = 1_024;
export const MAX_CONDITIONS = 8;

const OPERATORS = {
  text: ['==', '!=', '~', '!~'],
  status: ['==', '!=', '<', '>'],
  age: ['<', '>'],
} as const;

/**
 * `obj.http.content-type ~ "image/*" && req.url ~ "/blog/*"`: conditions that all have to hold. What it takes:
 *
 *     condition = field ("==" | "!=" | "~" | "!~") '"' text '"'
 *               | "obj.status" ("==" | "!=" | "<" | ">") 3 digits
 *               | "obj.age" ("<" | ">") (seconds | duration such as 1h30m)
 *
 * In quotes a backslash stands before `"`, `*`, `?` and itself.
 * @throws VelocityError `BAD_REQUEST`, which says at which column what was expected
 */
export function parseBanExpression(text: string): BanExpression {
  if (text.length > MAX_EXPRESSION_LENGTH)
    throw refusedBan(
      MAX_EXPRESSION_LENGTH + 1,
      `a ban has at most ${MAX_EXPRESSION_LENGTH} characters, this one ${text.length}: make it several`,
    );
  const reader = new BanReader(text);
  const conditions = [condition(reader)];
  while (!reader.isAtEnd()) {
    reader.conjunction();
    if (conditions.length === MAX_CONDITIONS)
      throw reader.refused(`a ban has at most ${MAX_CONDITIONS} conditions: make it several, or say less`);
    conditions.push(condition(reader));
  }
  return conditions;
}

/** As `parseBanExpression` reads it again. Equal bans are equal texts. */
export function formatBanExpression(expression: BanExpression): string {
  return expression.map(formatCondition).join(' && ');
}

function formatCondition(condition: BanCondition): string {
  switch (condition.kind) {
    case 'text':
      return `${condition.field} ${condition.operator} "${condition.text.replaceAll(/["\\]/g, '\\$&')}"`;
    case 'glob':
      return `${condition.field} ${condition.operator} "${condition.glob.replaceAll('"', '\\"')}"`;
    case 'status':
      return `obj.status ${condition.operator} ${condition.status}`;
    case 'age':
      return `obj.age ${condition.operator} ${spellDuration(condition.ageMs)}`;
  }
}

function condition(reader: BanReader): BanCondition {
  const field = reader.field();
  switch (field) {
    case 'obj.status': {
      const operator = reader.operator(field, OPERATORS.status);
      return { kind: 'status', operator, status: reader.status() };
    }
    case 'obj.age': {
      const operator = reader.operator(field, OPERATORS.age);
      return { kind: 'age', operator, ageMs: reader.age() };
    }
    default: {
      const operator = reader.operator(field, OPERATORS.text);
      // Stored in lower case, so that nothing else could be equal.
      const fold = (text: string): string => (field === 'req.host' ? text.toLowerCase() : text);
      const { text, glob } = reader.quoted();
      return operator === '==' || operator === '!='
        ? { kind: 'text', field, operator, text: fold(text) }
        : { kind: 'glob', field, operator, glob: fold(glob) };
    }
  }
}
