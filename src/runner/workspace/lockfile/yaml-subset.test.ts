import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAllDocuments, stringify } from 'yaml';
import { demoLockfile } from './fixtures/demo-workspace.ts';
import { readYamlSubset } from './yaml-subset.ts';

const FIXTURES = ['pnpm-6/pnpm-lock.yaml', 'pnpm-9/pnpm-lock.yaml', 'yarn-berry/yarn.lock'];

/** All that the subset has, in one text. */
const EVERYTHING = `---
# a comment
a:
  - b: 1
    c: 'it''s'
  - d
? long key
: x
? 'another'
:
  e: |-
    one
      two

    three
  f: {g: 'h, i', "j": k}
  l: [m, 'n, o', "p"]
? third
: q: r
  s: |
    t
u: ''
v: {}
w: []
x:
---
y: '~'
`;

for (const path of FIXTURES) {
  test(`${path} is of the subset and read as YAML reads it`, () => {
    const text = demoLockfile(path);
    assert.deepEqual(plain(readYamlSubset(text)), general(text));
  });
}

test('all that the subset has is read as YAML reads it', () => {
  assert.deepEqual(plain(readYamlSubset(EVERYTHING)), general(EVERYTHING));
});

test('whatever a document holds, it is read as YAML reads it or not at all', () => {
  const word = fc.oneof(
    fc.string(),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom(
      'a: b',
      'a #b',
      '- a',
      '',
      ' a',
      'a\nb',
      '1.0',
      'null',
      '{a}',
      "it's",
      '"',
      '@s/x',
      '/ms@1.0.0(a@1)',
    ),
  );
  const { document } = fc.letrec((tie) => ({
    node: fc.oneof({ maxDepth: 4 }, word, fc.array(tie('node'), { maxLength: 3 }), tie('document')),
    document: fc.dictionary(word, tie('node'), { maxKeys: 4 }),
  }));
  fc.assert(
    fc.property(document, fc.boolean(), fc.boolean(), (content, quoted, flow) => {
      const text = stringify(content, {
        schema: 'failsafe',
        lineWidth: 0,
        ...(quoted && { defaultStringType: 'QUOTE_SINGLE' as const }),
        ...(flow && { collectionStyle: 'flow' as const, flowCollectionPadding: false }),
      });
      assertReadAsYamlOrNotAtAll(text);
    }),
  );
});

test('whatever happens to a lockfile, it is read as YAML reads it or not at all', () => {
  const texts = [EVERYTHING, ...FIXTURES.map(demoLockfile)].map((text) => text.split('\n'));
  const piece = fc.constantFrom(
    ...[
      ' ',
      '  ',
      ':',
      ': ',
      "'",
      '"',
      '-',
      '- ',
      '#',
      ' #',
      '{',
      '}',
      '[',
      ']',
      ',',
      '?',
      '? ',
      '|',
      '>',
      '|-',
      '&a',
    ],
    ...[
      '*a',
      '!',
      '%',
      '@',
      '`',
      '~',
      '<<',
      '\\',
      '\n',
      '\r\n',
      '\t',
      '---\n',
      '...\n',
      '\u00a0',
      '\u2028',
      'é',
      '1',
    ],
  );
  const damage = fc.record({ at: fc.nat(), removed: fc.nat(3), added: fc.oneof(fc.constant(''), piece) });
  const excerpt = fc.record({
    of: fc.nat(texts.length - 1),
    from: fc.nat(),
    lines: fc.integer({ min: 3, max: 20 }),
  });
  fc.assert(
    fc.property(excerpt, fc.array(damage, { maxLength: 3 }), ({ of, from, lines }, damages) => {
      const all = texts[of] ?? [];
      const start = from % all.length;
      let text = outdented(all.slice(start, start + lines));
      for (const { at, removed, added } of damages) {
        const place = at % (text.length + 1);
        text = text.slice(0, place) + added + text.slice(place + removed);
      }
      assertReadAsYamlOrNotAtAll(text);
    }),
    { numRuns: 2000 },
  );
});

for (const [what, text] of [
  ['an anchor', 'a: &b c\n'],
  ['a tag', 'a: !!str b\n'],
  ['a folded text', 'a: >-\n  b\n'],
  ['a comment after a value', 'a: b # c\n'],
  ['a text that goes on in the next line', 'a: b\n  c\n'],
  ['a collection within one in a line', 'a: {b: [c]}\n'],
  ['the same key twice', 'a: b\na: c\n'],
  ['a tab', 'a:\n\tb: c\n'],
  ['a document of one text', 'a\n'],
  ['nothing', ''],
] as const) {
  test(`${what} is left to the general parser`, () => {
    assert.equal(readYamlSubset(text), undefined);
  });
}

function assertReadAsYamlOrNotAtAll(text: string): void {
  const read = readYamlSubset(text);
  if (read !== undefined) assert.deepEqual(plain(read), general(text), text);
}

function general(text: string): unknown {
  return [...parseAllDocuments(text, { schema: 'failsafe', logLevel: 'silent' })].map((document) => {
    assert.deepEqual(document.errors, [], text);
    return document.toJS();
  });
}

/** With the usual prototypes, which the reader's own maps go without. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

function outdented(lines: readonly string[]): string {
  const indent = /^ */.exec(lines[0] ?? '')?.[0] ?? '';
  return lines.map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line)).join('\n');
}
