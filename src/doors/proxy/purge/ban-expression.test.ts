import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VelocityError } from '../../../base/errors.ts';
import type { BanCondition, BanExpression, TextField } from './ban-condition.ts';
import {
  formatBanExpression,
  MAX_CONDITIONS,
  MAX_EXPRESSION_LENGTH,
  parseBanExpression,
} from './ban-expression.ts';

test('conditions are read with their fields, operators and values', () => {
  assert.deepEqual(
    parseBanExpression(
      'obj.http.Content-Type ~ "image/*"&&req.url!="/a" && req.host !~ "*.Example" && obj.status>399 && obj.age < 1h30m',
    ),
    [
      { kind: 'glob', field: 'obj.http.content-type', operator: '~', glob: 'image/*' },
      { kind: 'text', field: 'req.url', operator: '!=', text: '/a' },
      { kind: 'glob', field: 'req.host', operator: '!~', glob: '*.example' },
      { kind: 'status', operator: '>', status: 399 },
      { kind: 'age', operator: '<', ageMs: 5_400_000 },
    ] satisfies BanExpression,
  );
});

test('an age without a unit is in seconds', () => {
  assert.deepEqual(parseBanExpression('obj.age > 90'), parseBanExpression('obj.age > 1m30s'));
});

test('a backslash takes a character as itself, in patterns and in texts', () => {
  assert.deepEqual(parseBanExpression('req.url ~ "/a\\?b=\\"*\\\\"'), [
    { kind: 'glob', field: 'req.url', operator: '~', glob: '/a\\?b="*\\\\' },
  ]);
  assert.deepEqual(parseBanExpression('req.url == "/a\\?b=\\"*\\\\"'), [
    { kind: 'text', field: 'req.url', operator: '==', text: '/a?b="*\\' },
  ]);
});

const MISTAKES: Readonly<Record<string, RegExp>> = {
  '': /^Column 1 .*expected a field, found the end: req\.url, .* are known/,
  'url ~ "x"': /^Column 1 .*there is no field "url": req\.url/,
  'req.url = "x"': /^Column 9 .*expected ==, !=, ~ or !~ after req\.url, found "="/,
  'req.url "x"': /^Column 9 .*after req\.url, found "\\""/,
  'obj.status ~ "4*"': /^Column 12 .*expected ==, !=, < or > after obj\.status, found "~"/,
  'obj.status >= 400': /^Column 12 .*found ">="/,
  'obj.status == "404"': /^Column 15 .*three digits such as 404/,
  'obj.status == 4040': /^Column 15 .*three digits/,
  'obj.age == 5': /^Column 9 .*expected < or > after obj\.age/,
  'obj.age > 5 parsecs': /^Column 13 .*expected && and a further condition, found "parsecs"/,
  'obj.age > 5parsecs': /^Column 11 .*seconds or a time such as 1h30m, found "5parsecs"/,
  'obj.http. ~ "x"': /^Column 1 .*there is no field "obj\.http\."/,
  'req.url ~ /blog/*': /^Column 11 .*a text in double quotes, found/,
  'req.url ~ "x': /^Column 11 .*has no closing quote/,
  'req.url ~ "x\\': /^Column 13 .*backslash/,
  'req.url ~ "\\d+"': /^Column 12 .*a backslash stands before/,
  'req.url ~ "/caf\u00e9"': /^Column 16 .*printable ASCII.*%-escapes/,
  'req.url ~ "x" || req.url ~ "y"': /^Column 15 .*found "\|\|": make each alternative a ban of its own/,
  'req.url ~ "x" &&': /^Column 17 .*expected a field, found the end/,
  '(req.url ~ "x")': /^Column 1 .*expected a field, found "\(/,
};

for (const [text, message] of Object.entries(MISTAKES))
  test(`«${text}» is refused with the column and what was expected`, () => {
    assert.throws(() => parseBanExpression(text), { code: 'BAD_REQUEST', field: 'expression', message });
  });

test('an expression is bounded in length and conditions', () => {
  const one = 'obj.status == 404';
  const most = Array.from({ length: MAX_CONDITIONS }, () => one).join(' && ');
  assert.equal(parseBanExpression(most).length, MAX_CONDITIONS);
  assert.throws(() => parseBanExpression(`${most} && ${one}`), { message: /at most 8 conditions/ });
  const fill = (length: number) => `req.url ~ "${'x'.repeat(length - 12)}"`;
  assert.equal(parseBanExpression(fill(MAX_EXPRESSION_LENGTH)).length, 1);
  assert.throws(() => parseBanExpression(fill(MAX_EXPRESSION_LENGTH + 1)), {
    message: /at most 1024 characters, this one 1025/,
  });
});

const fields: fc.Arbitrary<TextField> = fc.oneof(
  fc.constantFrom('req.url' as const),
  fc.stringMatching(/^[a-z0-9_-]{1,12}$/).map((name) => `obj.http.${name}` as const),
);
const characters = fc.oneof(
  fc.constantFrom('"', '\\', '*', '?', '&', ' '),
  fc.string({ unit: 'grapheme-ascii' }),
);
const texts = fc.array(characters, { maxLength: 10 }).map((parts) => parts.join(''));
const globs = fc
  .array(
    fc.oneof(
      fc.constantFrom('\\*', '\\?', '\\\\', '*', '?', '"'),
      fc.stringMatching(/^[!-~]$/).filter((one) => one !== '\\'),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''));
const PLAIN = { noNullPrototype: true };
const conditions: fc.Arbitrary<BanCondition> = fc.oneof(
  fc.record(
    { kind: fc.constant('text'), field: fields, operator: fc.constantFrom('==', '!='), text: texts },
    PLAIN,
  ),
  fc.record(
    { kind: fc.constant('glob'), field: fields, operator: fc.constantFrom('~', '!~'), glob: globs },
    PLAIN,
  ),
  fc.record(
    {
      kind: fc.constant('status'),
      operator: fc.constantFrom('==', '!=', '<', '>'),
      status: fc.integer({ min: 100, max: 999 }),
    },
    PLAIN,
  ),
  fc.record(
    {
      kind: fc.constant('age'),
      operator: fc.constantFrom('<', '>'),
      ageMs: fc.integer({ min: 0, max: 1e12 }),
    },
    PLAIN,
  ),
) as fc.Arbitrary<BanCondition>;

test('what is formatted is read again as the same', () => {
  fc.assert(
    fc.property(fc.array(conditions, { minLength: 1, maxLength: 4 }), (expression) => {
      const text = formatBanExpression(expression);
      fc.pre(text.length <= MAX_EXPRESSION_LENGTH);
      assert.deepEqual(parseBanExpression(text), expression);
    }),
  );
});

test('any text is an expression, which formatted says the same, or is refused in our own words', () => {
  const parts = fc.constantFrom(
    ...['req.url', 'obj.status', 'obj.age', 'obj.http.x', 'req.host', '==', '~', '!~', '<', '&&', ' '],
    ...['"/A*"', '"\\?"', '"', '\\', '404', '1h', '0', '.', '|', '('],
  );
  const likely = fc.array(parts, { maxLength: 10 }).map((all) => all.join(' '));
  let accepted = 0;
  const holds = (text: string): void => {
    let expression: BanExpression;
    try {
      expression = parseBanExpression(text);
    } catch (error) {
      assert.ok(error instanceof VelocityError && error.field === 'expression', String(error));
      assert.match(error.message, /^Column \d+ of the ban: [^\n]*\.$/);
      return;
    }
    accepted++;
    assert.deepEqual(parseBanExpression(formatBanExpression(expression)), expression);
  };
  const valued = fc
    .tuple(fc.constantFrom('req.url', 'Req.Host', 'obj.http.A'), fc.constantFrom('==', '~'), fc.string())
    .map(([field, operator, value]) => `${field} ${operator} "${value}"`);
  fc.assert(fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), likely, valued), holds), {
    numRuns: 2_000,
  });
  assert.ok(accepted > 50, 'some are expressions');
});
