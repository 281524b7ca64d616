import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { mistakesOf, readWorkspace } from '../../../test/rig/read-workspace.ts';
import { type Files, TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { detectRepository, type SuggestedTask } from './detect-repository.ts';
import { velocityFileText } from './write-velocity-file.ts';

const PLAIN: SuggestedTask = { name: 'build', dependsOn: [], outputs: [], envKeys: [], cache: true };

describe('velocityFileText', () => {
  test('it tells what was found, and where its schema is', () => {
    const text = velocityFileText(
      { findings: ['turbo.json', 'nx.json'], packages: [], tasks: [] },
      './schema.json',
    );
    assert.match(
      text,
      /^# yaml-language-server: \$schema=\.\/schema\.json\n# Found: turbo\.json, nx\.json\./,
    );
  });

  test('only what differs from the default is written', () => {
    const tasks: SuggestedTask[] = [
      PLAIN,
      {
        name: 'web#test',
        command: 'x',
        dependsOn: ['^build'],
        outputs: ['o/**'],
        inputs: ['a'],
        envKeys: ['E'],
        cache: false,
      },
    ];
    assert.deepEqual(parse(velocityFileText({ findings: [], packages: ['a'], tasks }, 's')), {
      version: 1,
      remote: { enabled: false, url: 'http://127.0.0.1:8080', token: '${VELOCITY_TOKEN}' },
      packages: ['a'],
      pipeline: {
        build: {},
        'web#test': {
          command: 'x',
          depends_on: ['^build'],
          inputs: ['a'],
          outputs: ['o/**'],
          env_keys: ['E'],
          cache: false,
        },
      },
    });
  });

  test('without a task there is an example', () => {
    const { pipeline } = parse(velocityFileText({ findings: [], packages: [], tasks: [] }, 's'));
    assert.deepEqual(pipeline, { build: { depends_on: ['^build'], outputs: ['dist/**'] } });
  });
});

describe('what is written for a repository is a velocity.yml without mistakes', () => {
  const repositories: Readonly<Record<string, Files>> = {
    'of nothing known': { 'readme.md': '' },
    'of npm': {
      'package.json': { name: 'shop', workspaces: ['p/*'] },
      'p/a/package.json': { name: 'a', scripts: { build: 'b', test: 't', lint: 'l' } },
    },
    'of pnpm with Next': {
      'package.json': { name: 'shop' },
      'pnpm-workspace.yaml': 'packages: [".", "apps/*"]\n',
      'apps/web/package.json': { name: 'web', scripts: { build: 'next build' } },
      'apps/web/next.config.ts': '',
    },
    'of Turborepo': {
      'package.json': { name: 'shop', workspaces: ['p/*'] },
      'p/a/package.json': { name: 'a', scripts: { build: 'b' } },
      'turbo.json': {
        globalEnv: ['*'],
        tasks: {
          build: { dependsOn: ['^build', 'dev'], env: ['!X'] },
          dev: { persistent: true },
          '//#fmt': {},
          'a#build': {},
        },
      },
    },
    'of Nx': {
      'package.json': { name: 'shop' },
      'nx.json': { targetDefaults: { test: { dependsOn: ['build'] } } },
    },
    'of Cargo with several programs': {
      'native/Cargo.toml': '[[bin]]\nname = "tool"\n[package]\nname = "native"\n',
    },
    'of Go': { 'go.mod': 'module shop\n', 'api/go.mod': 'module "example.com/api"\n' },
    'of Poetry and others': {
      'a/pyproject.toml': '[tool.poetry]\nname = "a"\n',
      'b/requirements.txt': '',
      'with blank/requirements.txt': '',
    },
    'of JavaScript and Rust in one folder': {
      'package.json': { name: 'shop', workspaces: ['apps/*'] },
      'apps/web/package.json': { name: '@shop/web', scripts: { build: 'b' } },
      'apps/web/Cargo.toml': '[package]\nname = "web-native"\n',
    },
    'of everything at its root': {
      'package.json': { name: 'shop', scripts: { build: 'b' } },
      'Cargo.toml': '[package]\nname = "shop"\n',
      'go.mod': 'module shop\n',
      'pyproject.toml': '[project]\nname = "shop"\n',
    },
  };
  for (const [kind, files] of Object.entries(repositories)) {
    test(kind, async () => {
      await using repo = await TempWorkspace.open(files, { git: false });
      repo.write({ 'velocity.yml': velocityFileText(await detectRepository(repo.root, {}), 's') });
      assert.deepEqual(await mistakesOf(repo), []);
      assert.ok(Object.keys((await readWorkspace(repo)).config.pipeline).length > 0);
    });
  }
});
