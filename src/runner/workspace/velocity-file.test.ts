import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkShape } from '../../config/check-shape.ts';
import { describeMistake } from '../../config/mistake.ts';
import { parseYaml } from '../../config/yaml-file.ts';
import { type VelocityFile, velocityFileSchema } from './velocity-file.ts';

function read(text: string, env: NodeJS.ProcessEnv = {}): VelocityFile | string[] {
  const parsed = parseYaml('velocity.yml', text, env);
  const checked = parsed.ok ? checkShape(parsed.value, velocityFileSchema) : parsed;
  return checked.ok ? checked.value : checked.mistakes.map(describeMistake);
}

function lines(...text: readonly string[]): string {
  return `${text.join('\n')}\n`;
}

describe('what is understood', () => {
  test('the shortest file names a version and a task', () => {
    assert.deepEqual(read(lines('version: 1', 'pipeline:', '  build:')), {
      version: 1,
      pipeline: { build: {} },
    });
  });

  test('every setting has its place', () => {
    const file = lines(
      'version: 1',
      'project_id: shop/main',
      'remote: { enabled: true, url: "http://cache:8080", token: t, timeout: 500ms }',
      'cache: { dir: shared, max_artifact_size: 2GiB }',
      'packages: [services/*, "!services/old"]',
      'global: { inputs: [tsconfig.json], env_keys: [CI] }',
      'pipeline:',
      '  build:',
      '    command: make',
      '    inputs: [$default, "!**/*.md", /shared/**]',
      '    outputs: [dist/**]',
      '    depends_on: ["^build", codegen, "web#gen"]',
      '    env: { MODE: production, LEVEL: 3, FAST: true }',
      '    env_keys: [API_URL, VITE_*]',
      '    cache: false',
      '    clean: false',
      '  "//#build": {}',
      '  "@shop/web#build": {}',
    );
    assert.deepEqual(read(file), {
      version: 1,
      project_id: 'shop/main',
      remote: { enabled: true, url: 'http://cache:8080', token: 't', timeout: 500 },
      cache: { dir: 'shared', max_artifact_size: 2 * 2 ** 30 },
      packages: ['services/*', '!services/old'],
      global: { inputs: ['tsconfig.json'], env_keys: ['CI'] },
      pipeline: {
        build: {
          command: 'make',
          inputs: ['$default', '!**/*.md', '/shared/**'],
          outputs: ['dist/**'],
          depends_on: ['^build', 'codegen', 'web#gen'],
          env: { MODE: 'production', LEVEL: '3', FAST: 'true' },
          env_keys: ['API_URL', 'VITE_*'],
          cache: false,
          clean: false,
        },
        '//#build': {},
        '@shop/web#build': {},
      },
    });
  });

  test('variables are filled in, also where true or false is expected', () => {
    const file = lines('version: 1', 'remote: { enabled: "${USE:-false}", url: "${URL}" }', 'pipeline: {}');
    assert.deepEqual(read(file, { URL: 'http://x' }), {
      version: 1,
      remote: { enabled: false, url: 'http://x' },
      pipeline: {},
    });
  });

  test('a command keeps the dollars of its shell', () => {
    const file = lines('version: 1', 'pipeline:', '  a:', '    command: echo $HOME $(pwd) $${X} $$1');
    assert.deepEqual(read(file), { version: 1, pipeline: { a: { command: 'echo $HOME $(pwd) ${X} $1' } } });
  });
});

describe('what is refused, with its place', () => {
  const cases: readonly (readonly [rule: string, file: string, mistakes: readonly string[]])[] = [
    [
      'a missing version and pipeline',
      '{}\n',
      [
        'velocity.yml:1:1: version: expected 1, found nothing',
        'velocity.yml:1:1: pipeline: is missing; expected a map',
      ],
    ],
    ['another version', 'version: 2\npipeline: {}\n', ['velocity.yml:1:10: version: expected 1, found 2']],
    [
      'an unknown key at the top',
      'version: 1\npipelin: {}\npipeline: {}\n',
      ['velocity.yml:2:1: unknown key "pipelin" (did you mean "pipeline"?)'],
    ],
    [
      'an unknown key of a task',
      'version: 1\npipeline:\n  build:\n    dependsOn: [a]\n',
      ['velocity.yml:4:5: unknown key "dependsOn" (did you mean "depends_on"?)'],
    ],
    [
      'an unknown key of the remote',
      'version: 1\nremote:\n  tokn: x\npipeline: {}\n',
      ['velocity.yml:3:3: unknown key "tokn" (did you mean "token"?)'],
    ],
    [
      'a text where a list must be',
      'version: 1\npipeline:\n  build: { outputs: dist }\n',
      ['velocity.yml:3:21: pipeline.build.outputs: expected a list, found "dist"'],
    ],
    [
      'a map where a text must be, inside a list',
      'version: 1\npipeline:\n  build:\n    inputs:\n      - src/**\n      - { a: b }\n',
      ['velocity.yml:6:9: pipeline.build.inputs.1: expected a string, found a map'],
    ],
    [
      'a task’s name with a blank',
      'version: 1\npipeline:\n  "build all": {}\n',
      ['velocity.yml:3:3: pipeline.build all: expected a task name, or package#task, found "build all"'],
    ],
    [
      'a duration without a unit',
      'version: 1\nremote: { timeout: 5 }\npipeline: {}\n',
      ['velocity.yml:2:20: remote.timeout: expected a duration such as 5s or 500ms, found 5'],
    ],
    [
      'a size that is none',
      'version: 1\ncache: { max_artifact_size: lots }\npipeline: {}\n',
      ['velocity.yml:2:29: cache.max_artifact_size: expected a size such as 2GiB, found "lots"'],
    ],
    [
      'a word that is not true or false',
      'version: 1\npipeline:\n  build: { cache: maybe }\n',
      ['velocity.yml:3:19: pipeline.build.cache: expected true or false, found "maybe"'],
    ],
    [
      'names that no variable can have',
      'version: 1\npipeline:\n  a:\n    env: { 1A: x }\n    env_keys: ["B C"]\n',
      [
        'velocity.yml:4:12: pipeline.a.env.1A: expected the name of an environment variable, found "1A"',
        'velocity.yml:5:16: pipeline.a.env_keys.0: expected the name of an environment variable, found "B C"',
      ],
    ],
    [
      'a variable’s value that is no text',
      'version: 1\npipeline:\n  a:\n    env: { A: [1] }\n',
      ['velocity.yml:4:15: pipeline.a.env.A: expected text, a number, true or false, found a list'],
    ],
    [
      'packages outside the workspace',
      'version: 1\npackages: [../other, /abs, "!../x"]\npipeline: {}\n',
      [
        'velocity.yml:2:12: packages.0: expected a folder below the workspace root, found "../other"',
        'velocity.yml:2:22: packages.1: expected a folder below the workspace root, found "/abs"',
        'velocity.yml:2:28: packages.2: expected a folder below the workspace root, found "!../x"',
      ],
    ],
    ['a file that is a list', '- a\n', ['velocity.yml:1:1: the file: expected a map, found a list']],
  ];
  for (const [rule, file, mistakes] of cases) {
    test(`${rule} is a mistake`, () => {
      const found = read(file);
      assert.ok(Array.isArray(found));
      assert.deepEqual([...found].sort(), [...mistakes].sort());
    });
  }
});
