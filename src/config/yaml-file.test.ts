import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stringify } from 'yaml';
import type { Mistake } from './mistake.ts';
import { parseYaml, type YamlFile } from './yaml-file.ts';

function read(text: string, env: NodeJS.ProcessEnv = {}): YamlFile {
  const parsed = parseYaml('file.yml', text, env);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

function refuse(text: string, env: NodeJS.ProcessEnv = {}): readonly Mistake[] {
  const parsed = parseYaml('file.yml', text, env);
  assert.ok(!parsed.ok, JSON.stringify(parsed));
  return parsed.mistakes;
}

/** `line:column` and the text that is underlined. */
function shown(file: YamlFile, path: PropertyKey[], part: 'key' | 'value'): [string, string | undefined] {
  const { line, column, length } = file.positionOf(path, part);
  return [`${line}:${column}`, file.text.split('\n')[line - 1]?.slice(column - 1, column - 1 + length)];
}

const SAMPLE = `
version: 1
remote:
  url: "http://cache"
list:
  - one
  - key: two
nothing:
`;

test('a file is read to plain data', () => {
  assert.deepEqual(read(SAMPLE).data, {
    version: 1,
    remote: { url: 'http://cache' },
    list: ['one', { key: 'two' }],
    nothing: null,
  });
});

test('numbers are values, or where that is asked for texts as they are written', () => {
  const text = 'a: 2.0\nb: [0x10, true, 1e3]\n';
  assert.deepEqual(read(text).data, { a: 2, b: [16, true, 1000] });
  const parsed = parseYaml('file.yml', text, {}, { numbers: 'as-written' });
  assert.deepEqual(parsed.ok && parsed.value.data, { a: '2.0', b: ['0x10', true, '1e3'] });
});

test('an empty file, or one of comments alone, has no data', () => {
  assert.equal(read('').data, null);
  assert.equal(read('# nothing here\n').data, null);
  assert.deepEqual(read('').positionOf(['any'], 'value'), {
    file: 'file.yml',
    line: 1,
    column: 1,
    length: 1,
  });
});

test('keys and values are found where they stand', () => {
  const file = read(SAMPLE);
  assert.deepEqual(shown(file, ['version'], 'key'), ['2:1', 'version']);
  assert.deepEqual(shown(file, ['version'], 'value'), ['2:10', '1']);
  assert.deepEqual(shown(file, ['remote', 'url'], 'value'), ['4:8', '"http://cache"']);
  assert.deepEqual(shown(file, ['list', 0], 'value'), ['6:5', 'one']);
  assert.deepEqual(shown(file, ['list', 1, 'key'], 'value'), ['7:10', 'two']);
});

test('a path that is not there is found at its nearest parent', () => {
  const file = read(SAMPLE);
  assert.deepEqual(shown(file, ['remote', 'token', 'file'], 'key'), ['3:1', 'remote']);
  assert.equal(shown(file, ['list', 9], 'value')[0], '6:3');
});

test('the value of a key that has none is found behind the key', () => {
  assert.equal(shown(read('a:\nb: 1\n'), ['a'], 'value')[0], '1:3');
});

test('a syntax error is a mistake at its place', () => {
  const [mistake, ...others] = refuse('a: 1\nb: [1, 2\n');
  assert.deepEqual(others, []);
  assert.match(mistake?.message ?? '', /^this is not valid YAML: /);
  assert.ok((mistake?.position?.line ?? 0) >= 2);
});

test('a key that comes twice is a mistake at the second', () => {
  const [mistake] = refuse('a: 1\nb: 2\na: 3\n');
  assert.equal(mistake?.position?.line, 3);
});

test('a second document is a mistake', () => {
  assert.equal(refuse('a: 1\n---\nb: 2\n')[0]?.position?.line, 2);
});

test('an unquoted glob that YAML takes for a tag or an alias is a mistake that asks for quotes', () => {
  for (const [text, column] of [
    ['inputs: [src/**, !src/**/*.test.ts]', 18],
    ['inputs: [*.ts]', 10],
    ['inputs: *', 9],
    ['inputs: !*.md', 9],
  ] as const) {
    const [mistake] = refuse(text);
    assert.equal(mistake?.position?.column, column, text);
    if (text !== 'inputs: *') assert.match(mistake?.message ?? '', /needs quotes$/, text);
  }
});

test('every unquoted glob is told of at once', () => {
  const lines = refuse('inputs:\n  - !a\n  - *b\n  - !c\n').map(({ position }) => position?.line);
  assert.deepEqual(lines.toSorted(), [2, 3, 4]);
});

test('an alias stands for what its anchor marks', () => {
  assert.deepEqual(read('a: &x [1, 2]\nb: *x\n').data, { a: [1, 2], b: [1, 2] });
});

test('an alias to what it is itself part of is a mistake', () => {
  assert.equal(refuse('a: &x [*x]\n')[0]?.position?.line, 1);
});

test('aliases that multiply beyond measure are a mistake', () => {
  const levels = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (const [name, below] of ['ba', 'cb', 'dc', 'ed']) {
    levels.push(`${name}: &${name} [${Array(10).fill(`*${below}`).join(', ')}]`);
  }
  const [mistake] = refuse(levels.join('\n'));
  assert.match(mistake?.message ?? '', /alias/i);
});

test('variables are filled in in values, however deep, and not in keys', () => {
  const file = read('${A}: ${A}\nlist: [{ deep: "x ${A} y" }]\n', { A: 'filled' });
  assert.deepEqual(file.data, { '${A}': 'filled', list: [{ deep: 'x filled y' }] });
});

test('what was written in the place of a value is still known', () => {
  const { data, writtenAt } = read('a: { b: ["x ${A}", 1] }\n', { A: 'secret' });
  assert.deepEqual(data, { a: { b: ['x secret', 1] } });
  assert.equal(writtenAt(['a', 'b', 0]), 'x ${A}');
  for (const path of [
    ['a', 'b', 1],
    ['a', 'b', 2],
    ['a', 'c', 'd'],
    ['a', 'b', 0, 'length'],
    ['toString'],
    [],
  ]) {
    assert.equal(writtenAt(path), undefined);
  }
});

test('a filled-in value is text and is not read as YAML', () => {
  assert.deepEqual(read('a: ${A}', { A: '[1, "x": y' }).data, { a: '[1, "x": y' });
  assert.deepEqual(read('port: ${A}', { A: '8080' }).data, { port: '8080' });
});

test('variables that are not set are named once', () => {
  assert.deepEqual(read('a: ${X}${Y}\nb: ${X}\n').unsetVariables, ['X', 'Y']);
});

test('variables that must be set and are not are mistakes at their values, all at once', () => {
  const mistakes = refuse('a: ${X:?for a}\nb:\n  - 1\n  - "${Y:?for b}"\n');
  assert.deepEqual(
    mistakes.map(({ message, position }) => [message, position?.line, position?.column]),
    [
      ['X must be set: for a', 1, 4],
      ['Y must be set: for b', 4, 5],
    ],
  );
});

test('a key of the name __proto__ is a key like any other', () => {
  const { data } = read('__proto__: { polluted: yes }\n');
  assert.deepEqual(Object.keys(data as object), ['__proto__']);
  assert.equal(Object.getPrototypeOf(data), Object.prototype);
});

test('any data that was written as YAML is read back, and each value is found in the text', () => {
  const values = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('$')),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).value;
  fc.assert(
    fc.property(values, (value) => {
      const text = stringify({ key: value });
      const file = read(text);
      assert.deepEqual(file.data, { key: value });
      const { line, column } = file.positionOf(['key'], 'value');
      assert.ok(text.split('\n')[line - 1]?.[column - 1] !== undefined, `${line}:${column} of ${text}`);
    }),
  );
});

test('no text makes the reader throw', () => {
  const yamlish = fc.string({
    unit: fc.constantFrom(
      'a',
      ':',
      ' ',
      '\n',
      '-',
      '[',
      ']',
      '{',
      '}',
      '&',
      '*',
      '!',
      '"',
      "'",
      '|',
      '#',
      '?',
      '$',
      '%',
      '\t',
    ),
    maxLength: 40,
  });
  fc.assert(
    fc.property(fc.oneof(yamlish, fc.string({ unit: 'binary' })), (text) => {
      const parsed = parseYaml('file.yml', text, { a: 'x' });
      if (parsed.ok) return;
      assert.ok(parsed.mistakes.length > 0);
      for (const { position } of parsed.mistakes) {
        assert.ok(
          position === undefined || (position.line >= 1 && position.column >= 1 && position.length >= 1),
        );
      }
    }),
    { numRuns: 2000 },
  );
});
