import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Files, TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { type DetectedRepository, detectRepository, type SuggestedTask } from './detect-repository.ts';

async function detect(files: Files): Promise<DetectedRepository> {
  await using folder = await TempWorkspace.open(files, { git: false });
  return await detectRepository(folder.root, {});
}

function named({ tasks }: DetectedRepository, name: string): SuggestedTask {
  const found = tasks.find((task) => task.name === name);
  assert.ok(found, `${name} is suggested`);
  return found;
}

function names({ tasks }: DetectedRepository): string[] {
  return tasks.map(({ name }) => name);
}

describe('JavaScript', () => {
  test('an npm workspace is found, and the scripts that are tasks', async () => {
    const detected = await detect({
      'package.json': { workspaces: ['p/*'], scripts: { dev: 'vite' } },
      'p/a/package.json': {
        scripts: { build: 'tsc', test: 'node --test', start: 'node .', watch: 'tsc -w' },
      },
      'p/b/package.json': { scripts: { lint: 'biome', typecheck: 'tsc --noEmit' } },
    });
    assert.deepEqual(detected.findings, ['npm workspace with 2 packages']);
    assert.deepEqual(detected.packages, []);
    assert.deepEqual(names(detected), ['build', 'test', 'lint', 'typecheck']);
  });

  test('a build follows the builds it depends on and keeps dist', async () => {
    const build = named(await detect({ 'package.json': { scripts: { build: 'tsc' } } }), 'build');
    assert.deepEqual([build.dependsOn, build.outputs, build.cache], [['^build'], ['dist/**'], true]);
  });

  test('a test follows the build where there is one', async () => {
    assert.deepEqual(
      named(await detect({ 'package.json': { scripts: { test: 't' } } }), 'test').dependsOn,
      [],
    );
    assert.deepEqual(
      named(await detect({ 'package.json': { scripts: { test: 't', build: 'b' } } }), 'test').dependsOn,
      ['build'],
    );
  });

  test('each workspace of its kind is told by name', async () => {
    const kinds: Readonly<Record<string, Files>> = {
      'pnpm workspace with 1 package': { 'package.json': {}, 'pnpm-workspace.yaml': 'packages: [p/*]\n' },
      'yarn workspace with 1 package': { 'package.json': { workspaces: ['p/*'] }, 'yarn.lock': '' },
      'bun workspace with 1 package': { 'package.json': { workspaces: ['p/*'] }, 'bun.lock': '' },
      'a single npm package': { 'package.json': {} },
    };
    for (const [finding, files] of Object.entries(kinds))
      assert.deepEqual((await detect({ 'p/a/package.json': {}, ...files })).findings, [finding]);
  });

  test('a framework that gives itself away keeps its own folder too', async () => {
    const detected = await detect({
      'package.json': { scripts: { build: 'next build' } },
      'next.config.mjs': '',
    });
    assert.deepEqual(named(detected, 'build').outputs, ['dist/**', '.next/**', '!.next/cache/**']);
  });
});

describe('turbo.json', () => {
  const PACKAGE = { 'package.json': { scripts: { build: 'tsc' } } };

  test('its tasks are taken over, with comments and commas that JSON does not know', async () => {
    const detected = await detect({
      ...PACKAGE,
      'turbo.json': `{
        // "not": "read",
        "$schema": "https://turborepo.com/schema.json", /* nor
        this */
        "globalEnv": ["CI"],
        "tasks": {
          "build": {
            "dependsOn": ["^build", "$API_URL"],
            "outputs": [".next/**", "!.next/cache/**",],
            "inputs": ["$TURBO_DEFAULT$", "!**/*.md", "$TURBO_ROOT$/shared.json", "!$TURBO_ROOT$/x"],
            "env": ["API_URL", "VITE_*", "!SECRET"],
          },
          "deploy": { "cache": false },
          "//#check": {},
          "web#test": { "dependsOn": ["build"] },
        },
      }`,
    });
    assert.deepEqual(named(detected, 'build'), {
      name: 'build',
      dependsOn: ['^build'],
      outputs: ['.next/**', '!.next/cache/**'],
      inputs: ['$default', '!**/*.md', '/shared.json', '!/x'],
      envKeys: ['API_URL', 'VITE_*', 'CI'],
      cache: true,
    });
    assert.equal(named(detected, 'deploy').cache, false);
    assert.deepEqual(names(detected), ['build', 'deploy', '//#check', 'web#test']);
  });

  test('texts that look like comments or commas too many are texts', async () => {
    const detected = await detect({
      ...PACKAGE,
      'turbo.json': '{"tasks":{"build":{"outputs":["http://x/**","/*a*/","{a,}","[b,]"]}}}',
    });
    assert.deepEqual(named(detected, 'build').outputs, ['http://x/**', '/*a*/', '{a,}', '[b,]']);
  });

  test('the older key is read too', async () => {
    const detected = await detect({ 'turbo.json': { pipeline: { compile: {} } } });
    assert.deepEqual(names(detected), ['compile']);
  });

  test('what runs for ever is no task, and nothing depends on it', async () => {
    const detected = await detect({
      'turbo.json': {
        tasks: { dev: { persistent: true }, test: { dependsOn: ['dev', '^dev', 'test#dev'] } },
      },
    });
    assert.deepEqual(names(detected), ['test']);
    assert.deepEqual(named(detected, 'test').dependsOn, []);
  });

  test('names that no variable can have are left out', async () => {
    const detected = await detect({
      'turbo.json': { globalEnv: ['*', 'A?'], tasks: { a: { env: ['*', 'B', '1C'] } } },
    });
    assert.deepEqual(named(detected, 'a').envKeys, ['B']);
  });

  test('one that cannot be read is found and gives nothing', async () => {
    for (const text of ['{', '[]', 'null', '{"tasks": 7}']) {
      const detected = await detect({ 'turbo.json': text });
      assert.deepEqual([detected.findings, names(detected)], [['turbo.json'], []], text);
    }
  });
});

describe('nx.json', () => {
  test('the defaults of its targets are taken over', async () => {
    const detected = await detect({
      'nx.json': {
        targetDefaults: {
          build: {
            dependsOn: ['^build', { target: 'gen' }],
            outputs: [
              '{projectRoot}/dist',
              '{projectRoot}/lib/',
              '{workspaceRoot}/out',
              '{options.outputPath}',
            ],
          },
          e2e: { cache: false, dependsOn: ['build'] },
          '@nx/jest:jest': { cache: true },
        },
      },
    });
    assert.deepEqual(named(detected, 'build'), {
      name: 'build',
      dependsOn: ['^build'],
      outputs: ['dist/**', 'lib/**'],
      envKeys: [],
      cache: true,
    });
    assert.deepEqual(names(detected), ['build', 'e2e']);
    assert.equal(named(detected, 'e2e').cache, false);
  });

  test('a target that only a plugin knows is depended on by nobody', async () => {
    const detected = await detect({
      'nx.json': { targetDefaults: { test: { dependsOn: ['build', '^build'] } } },
    });
    assert.deepEqual(named(detected, 'test').dependsOn, []);
  });

  test('beside a turbo.json it is found and not followed', async () => {
    const detected = await detect({
      'nx.json': { targetDefaults: { build: { cache: false } } },
      'turbo.json': { tasks: { build: {} } },
    });
    assert.deepEqual(detected.findings, ['turbo.json', 'nx.json']);
    assert.equal(named(detected, 'build').cache, true);
  });
});

describe('other languages', () => {
  test('a Cargo workspace is built from its root', async () => {
    const detected = await detect({
      'Cargo.toml': '[workspace]\nmembers = ["crates/*"]\n',
      'crates/a/Cargo.toml': '[package]\nname = "a"\n',
    });
    assert.deepEqual(detected.findings, ['Rust (Cargo.toml)']);
    assert.deepEqual([detected.packages, names(detected)], [[], ['//#build', '//#test']]);
  });

  test('crates without a root are packages, by the names of their own', async () => {
    const detected = await detect({
      'services/a/Cargo.toml': '[[bin]]\nname = "tool"\npath = "src/main.rs"\n\n[package]\nname = "engine"\n',
      'services/b/Cargo.toml': '[package]\nname = "core"\n',
    });
    assert.deepEqual(detected.findings, ['Rust (2 × Cargo.toml)']);
    assert.deepEqual(detected.packages, ['services/a', 'services/b']);
    assert.deepEqual(names(detected), ['engine#build', 'engine#test', 'core#build', 'core#test']);
  });

  test('Go modules are packages by their module paths, the one at the root is the root’s', async () => {
    const detected = await detect({
      'go.mod': 'module example.com/shop\n',
      'api/go.mod': 'module example.com/shop/api\n',
    });
    assert.deepEqual(detected.packages, ['api']);
    assert.deepEqual(named(detected, 'example.com/shop/api#build').outputs, ['bin/**']);
    assert.equal(named(detected, '//#test').command, 'go test ./...');
  });

  test('Poetry projects are run by Poetry, others by Python', async () => {
    const detected = await detect({
      'p/pyproject.toml': '[tool.poetry]\nname = "web"\n',
      'q/pyproject.toml': '[project]\nname = "jobs"\n',
      'r/requirements.txt': 'requests\n',
    });
    assert.deepEqual(
      ['web#build', 'web#test', 'jobs#build', 'jobs#test', 'r#test'].map(
        (name) => named(detected, name).command,
      ),
      ['poetry build', 'poetry run pytest', 'python -m build', 'pytest', 'python -m pytest'],
    );
  });

  test('requirements beside a project add nothing', async () => {
    const detected = await detect({
      'p/pyproject.toml': '[project]\nname = "a"\n',
      'p/requirements.txt': '',
    });
    assert.deepEqual([detected.packages, names(detected)], [['p'], ['a#build', 'a#test']]);
  });

  test('in a folder that is a JavaScript package too the tasks bear its name', async () => {
    const detected = await detect({
      'package.json': { workspaces: ['apps/*'] },
      'apps/web/package.json': { name: '@shop/web' },
      'apps/web/Cargo.toml': '[package]\nname = "web-native"\n',
    });
    assert.deepEqual(names(detected), ['@shop/web#build', '@shop/web#test']);
  });

  test('a folder whose name no task can bear is a package without tasks', async () => {
    const detected = await detect({ 'my tool/requirements.txt': '' });
    assert.deepEqual([detected.packages, names(detected)], [['my tool'], []]);
  });
});

test('where nothing is known nothing is found', async () => {
  assert.deepEqual(await detect({ 'readme.md': '' }), { findings: [], packages: [], tasks: [] });
});

test('what git ignores is not looked at', async () => {
  await using repo = await TempWorkspace.open({ '.gitignore': 'vendor/\n' });
  repo.write({ 'vendor/x/go.mod': 'module x\n' });
  assert.deepEqual((await detectRepository(repo.root, {})).packages, []);
});

test('what cannot be read tells nothing', async () => {
  assert.deepEqual(names(await detect({ 'turbo.json/a': '', 'nx.json/b': '' })), []);
});
