import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeMistake } from '../../../config/mistake.ts';
import { parseYaml } from '../../../config/yaml-file.ts';
import { parseBuildRequest } from './build-spec.ts';
import { chooseRecipe } from './choose-recipe.ts';
import { fillIn } from './placeholders.ts';
import { readRecipeFile } from './recipe-file.ts';
import type { BuildServerFile } from './recipe-shape.ts';

function read(text: string): BuildServerFile {
  const yaml = parseYaml('builds.yml', text, {});
  assert.ok(yaml.ok);
  const file = readRecipeFile(yaml.value);
  assert.ok(file.ok, file.ok ? '' : file.mistakes.map(describeMistake).join('\n'));
  return file.value;
}

function mistakesOf(text: string): string {
  const yaml = parseYaml('builds.yml', text, {});
  assert.ok(yaml.ok);
  const file = readRecipeFile(yaml.value);
  assert.ok(!file.ok);
  return file.mistakes.map(describeMistake).join('\n');
}

function recipe(command: string, more = ''): string {
  return `recipes:\n  one:\n    command: ${command}\n    output: out\n${more}`;
}

describe('the file of recipes', () => {
  test('what is left out has a default', () => {
    const { listen, concurrency, keep, recipes } = read(recipe('[make, "{rr_version}"]'));
    assert.deepEqual(
      [listen, concurrency, keep.entries, recipes['one']?.timeout],
      ['127.0.0.1:8090', 2, 100, 300_000],
    );
  });

  const mistaken: readonly [string, RegExp][] = [
    ['recipes: {}', /at least one recipe/],
    [recipe('[]'), /expected a program/],
    [recipe('["{rr_version}"]'), /builds.yml:3:.*expected a program, without placeholders/],
    [recipe('[make, "{version}"]'), /there is no \{version\}; known are/],
    [recipe('[make, [a, "{rr_version}"]]'), /expected \{plugins\} in it/],
    [recipe('[make]'), /every version would be the same binary/],
    [recipe('[make, "{spec}"]').replace('output: out', 'output: ../out'), /a path inside/],
    [recipe('[make, "{spec}"]').replace('output: out', 'output: /out'), /a path inside/],
    [recipe('[make, "{spec}"]').replace('output: out', 'output: a/build.json'), /stand beside the binary/],
    [recipe('[make, "{spec}"]', '    timeout: 0s\n'), /expected a duration/],
    [recipe('[make, "{spec}"]', '    shell: true\n'), /unknown key "shell"/],
  ];
  for (const [text, words] of mistaken)
    test(`${words.source} is told with its place`, () => assert.match(mistakesOf(text), words));
});

describe('placeholders', () => {
  const { spec } = parseBuildRequest({
    rr_version: 'v1.0.0',
    target_platform: { os: 'linux', arch: 'amd64' },
    plugins: [
      { module_name: 'b.org/two', tag: 'v2' },
      { module_name: 'a.org/one', tag: 'v1' },
    ],
  });
  const places = { output: '/w/out', spec: '/w/{os}.json' };

  test('a value stays one argument, and other braces are text', () => {
    const command = ['go', '-X={rr_version}', '{output}', '{ }', '{}', '{os}/{arch}'];
    assert.deepEqual(fillIn(command, spec, places), [
      'go',
      '-X=v1.0.0',
      '/w/out',
      '{ }',
      '{}',
      'linux/amd64',
    ]);
  });

  test('what a value has in it is not filled in again', () => {
    assert.deepEqual(fillIn(['{spec}'], spec, places), ['/w/{os}.json']);
  });

  test('an argument with {plugins} stands there once for each plugin, in one order', () => {
    assert.deepEqual(fillIn(['x', '--with={plugins}', 'y'], spec, places), [
      ...['x', '--with=a.org/one@v1', '--with=b.org/two@v2', 'y'],
    ]);
  });

  test('so does a list of arguments, and without plugins neither does', () => {
    const command = ['x', ['--with', '{plugins}']];
    assert.deepEqual(fillIn(command, spec, places), [
      'x',
      '--with',
      'a.org/one@v1',
      '--with',
      'b.org/two@v2',
    ]);
    assert.deepEqual(fillIn(command, { ...spec, plugins: [] }, places), ['x']);
  });
});

describe('the choice of a recipe', () => {
  const linux = { target_platform: { os: 'linux', arch: 'amd64' } };
  function chosen(recipes: string, request: object): string | undefined {
    const { spec } = parseBuildRequest({ rr_version: 'v2024.1.0', ...request });
    return chooseRecipe(read(`recipes:\n${recipes}`).recipes, spec)?.name;
  }

  test('the first that is for the spec, as they stand in the file', () => {
    const two = `  old: { command: [a, '{spec}'], output: o, match: { rr_version: 'v2023.*' } }
  new: { command: [a, '{spec}'], output: o, match: { rr_version: ['v2024.*', 'v2025.*'] } }
  any: { command: [a, '{spec}'], output: o }`;
    const names = ['v2023.9.0', 'v2024.1.0', 'v2025.1.0', 'master'].map((rr_version) =>
      chosen(two, { rr_version }),
    );
    assert.deepEqual(names, ['old', 'new', 'new', 'any']);
  });

  test('every plugin has to match', () => {
    const one = "  one: { command: [a, '{spec}'], output: o, match: { plugins: github.com/acme/*/v5 } }";
    const asked = (...modules: string[]): string | undefined =>
      chosen(one, { plugins: modules.map((module_name) => ({ module_name, tag: 'v1' })) });
    assert.equal(asked('github.com/acme/a/v5', 'github.com/acme/b/v5'), 'one');
    assert.equal(asked('github.com/acme/a/v5', 'github.com/other/b/v5'), undefined);
    assert.equal(asked('github.com/acme/v5'), undefined);
  });

  const blind = "  one: { command: [a, '{rr_version}', '{os}', '{arch}'], output: o }";
  const seeing = "  one: { command: [a, '{spec}'], output: o }";
  const parts: Readonly<Record<string, object>> = {
    plugins: { plugins: [{ module_name: 'a', tag: 'v1' }] },
    replaces: { replaces: [{ old: 'a', new: 'b' }] },
    excludes: { excludes: [{ module: 'a', version: 'v1' }] },
    race: { race: true },
    debug: { debug: true },
  };
  for (const [part, request] of Object.entries(parts))
    test(`a recipe that cannot see ${part} is not for a spec with them`, () => {
      assert.equal(chosen(blind, { ...linux, ...request }), undefined);
      assert.equal(chosen(seeing, { ...linux, ...request }), 'one');
      assert.equal(chosen(blind, linux), 'one');
    });

  test('a recipe that does not see the platform builds for the host alone', () => {
    const one = "  one: { command: [a, '{rr_version}'], output: o }";
    assert.equal(chosen(one, {}), 'one');
    assert.equal(chosen(one, { target_platform: { os: 'plan9', arch: 'mips' } }), undefined);
  });
});
