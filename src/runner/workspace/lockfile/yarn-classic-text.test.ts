import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseClassicText } from './yarn-classic-text.ts';

interface Written {
  readonly patterns: readonly string[];
  readonly fields: Readonly<Record<string, string>>;
  readonly blocks: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const text = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.string({ minLength: 1, unit: 'grapheme' }),
  fc.constantFrom(
    'ms@^2.0.0',
    '@s/x@npm:y@>=1 <2',
    'x@a, b',
    'true',
    '1',
    '"',
    '\\',
    'a:b',
    '#x',
    'x@https://e.test/a#b',
  ),
);
const table = fc.dictionary(text, text, { maxKeys: 3 });

test('what is written as Yarn writes it is read as it was', () => {
  const entry: fc.Arbitrary<Written> = fc.record({
    patterns: fc.uniqueArray(text, { minLength: 1, maxLength: 3 }),
    fields: table,
    blocks: fc.dictionary(fc.constantFrom('dependencies', 'optionalDependencies'), table),
  });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
      const read = parseClassicText('yarn.lock', `# yarn lockfile v1\n\n${entries.map(write).join('\n')}`);
      assert.deepEqual(
        read,
        entries.map(({ patterns, fields, blocks }) => ({
          patterns,
          fields: new Map(Object.entries(fields)),
          blocks: new Map(
            Object.entries(blocks).map(([name, block]) => [name, new Map(Object.entries(block))]),
          ),
        })),
      );
    }),
  );
});

test('any other text is an error of ours, never another one', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', '@', '1', ':', ',', '"', '\\', ' ', '  ', '\n', '#') }),
      (any) => {
        try {
          parseClassicText('yarn.lock', any);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'WORKSPACE_INVALID');
        }
      },
    ),
  );
});

for (const [line, lines] of [
  [1, '<<<<<<< HEAD'],
  [1, '  version "1.0.0"'],
  [2, 'x@1:\n    y "1"'],
  [2, 'x@1:\n   version "1.0.0"'],
  [2, 'x@1:\n  version "1.0.0'],
  [2, 'x@1:\n  version "\\q"'],
  [3, 'x@1:\n  dependencies:\n    y 1 2'],
] as const) {
  test(`${JSON.stringify(lines)} is not of the format, which line ${line} is to blame for`, () => {
    assert.throws(() => parseClassicText('yarn.lock', lines), {
      code: 'WORKSPACE_INVALID',
      message: new RegExp(`^yarn.lock is malformed: line ${line} `),
    });
  });
}

/** https://github.com/yarnpkg/yarn/blob/master/src/lockfile/stringify.js */
function write({ patterns, fields, blocks }: Written): string {
  const pair = ([key, value]: readonly [string, string]) => `${wrapped(key)} ${wrapped(value)}\n`;
  const body = Object.entries(fields).map((field) => `  ${pair(field)}`);
  for (const [name, block] of Object.entries(blocks)) {
    body.push(`  ${name}:\n`, ...Object.entries(block).map((field) => `    ${pair(field)}`));
  }
  return `${patterns.map(wrapped).join(', ')}:\n${body.join('')}`;
}

function wrapped(word: string): string {
  const needsQuotes = /^(?:true|false)|[:\s\n\\",[\]]|^[0-9]|^[^a-zA-Z]/.test(word);
  return needsQuotes ? JSON.stringify(word) : word;
}
