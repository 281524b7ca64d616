import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { mistakesOf, readWorkspace } from '../../../test/rig/read-workspace.ts';
import { TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { VelocityError } from '../../base/errors.ts';
import { openWorkspace } from './workspace.ts';

const PIPELINE = 'version: 1\npipeline:\n  build: {}\n';

async function rejectsAsInvalid(opening: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(opening, (error: unknown) => {
    assert.ok(error instanceof VelocityError);
    assert.equal(error.code, 'WORKSPACE_INVALID');
    assert.match(error.message, message);
    return true;
  });
}

describe('openWorkspace', () => {
  test('an npm workspace is its packages and how they depend on each other', async () => {
    await using repo = await TempWorkspace.open({
      'velocity.yml': PIPELINE,
      'package.json': { name: 'shop', workspaces: ['packages/*'] },
      'packages/web/package.json': { name: 'web', dependencies: { lib: '*' } },
      'packages/lib/package.json': { name: 'lib' },
    });
    const { graph, packageManager, filesFrom } = await readWorkspace(repo);
    assert.deepEqual([...graph.names], ['shop', 'lib', 'web']);
    const web = graph.get('web');
    assert.deepEqual(web && graph.dependenciesOf(web), [graph.get('lib')]);
    assert.deepEqual([packageManager?.name, filesFrom], ['npm', 'git']);
  });

  test('a package is meant by another name, by its folder and in any group of a manifest', async () => {
    await using repo = await TempWorkspace.open(
      {
        'velocity.yml': `packages: [py/*]\n${PIPELINE}`,
        'package.json': { name: 'shop' },
        'pnpm-workspace.yaml': 'packages: [js/*]\n',
        'js/a/package.json': { name: 'a', dependencies: { alias: 'workspace:b@*', other: 'workspace:../c' } },
        'js/b/package.json': { name: 'b' },
        'js/c/package.json': { name: 'c' },
        'py/d/pyproject.toml':
          '[tool.poetry]\nname = "d"\n[tool.poetry.group.test.dependencies]\ne = { path = "../e" }\n',
        'py/e/pyproject.toml': '[project]\nname = "e"\n[dependency-groups]\ntest = ["F_f"]\n',
        'py/f/pyproject.toml': '[project]\nname = "f-f"\n',
      },
      { git: false },
    );
    const { graph } = await readWorkspace(repo);
    const edges = graph.packages.map((each) => [
      each.name,
      graph.dependenciesOf(each).map(({ name }) => name),
    ]);
    assert.deepEqual(Object.fromEntries(edges), {
      shop: [],
      a: ['b', 'c'],
      b: [],
      c: [],
      d: ['e'],
      e: ['f-f'],
      'f-f': [],
    });
  });

  test('packages of several languages stand in one graph', async () => {
    await using repo = await TempWorkspace.open(
      {
        'velocity.yml': `packages: [services/*]\n${PIPELINE}`,
        'package.json': { name: 'shop', workspaces: ['apps/*'] },
        'apps/web/package.json': { name: 'web', dependencies: { engine: '*' } },
        'services/engine/Cargo.toml':
          '[package]\nname = "engine"\n[dependencies]\ncore = { path = "../core" }\n',
        'services/core/Cargo.toml': '[package]\nname = "core"\n',
      },
      { git: false },
    );
    const { graph } = await readWorkspace(repo);
    const web = graph.get('web');
    assert.deepEqual(web && [...graph.withDependencies(web)].map(({ name }) => name), [
      'web',
      'engine',
      'core',
    ]);
  });

  test('a package that is named though git ignores it is read from its folder', async () => {
    await using repo = await TempWorkspace.open({
      '.gitignore': 'gen\n',
      'velocity.yml': `packages: [gen/api, web]\n${PIPELINE}`,
      'web/package.json': { name: 'web', dependencies: { api: '*' } },
    });
    repo.write({ 'gen/api/package.json': { name: 'api' }, 'gen/api/a.ts': '', 'gen/other.ts': '' });
    const { files, filesFrom, ignoredPackages, graph } = await readWorkspace(repo);
    assert.deepEqual([filesFrom, ignoredPackages], ['git', ['gen/api']]);
    assert.deepEqual(
      files.map(({ path }) => path),
      ['.gitignore', 'gen/api/a.ts', 'gen/api/package.json', 'velocity.yml', 'web/package.json'],
    );
    const web = graph.get('web');
    assert.deepEqual(web && graph.dependenciesOf(web), [graph.get('api')]);
  });

  test('mistakes of the file’s shape come back as values', async () => {
    await using folder = await TempWorkspace.open(
      { 'velocity.yml': 'version: 3\npipeline: {}\n' },
      { git: false },
    );
    assert.deepEqual(await mistakesOf(folder), ['velocity.yml:1:10: version: expected 1, found 3']);
  });

  test('text that is no YAML is a mistake with its place', async () => {
    await using folder = await TempWorkspace.open(
      { 'velocity.yml': 'version: 1\npipeline: [\n' },
      { git: false },
    );
    const [first] = await mistakesOf(folder);
    assert.match(first ?? '', /^velocity\.yml:\d+:\d+: this is not valid YAML: /);
  });

  test('variables that are not set are told, and read as empty', async () => {
    await using folder = await TempWorkspace.open(
      { 'velocity.yml': `project_id: a${'${X}'}\n${PIPELINE}` },
      { git: false },
    );
    const { config, unsetVariables } = await readWorkspace(folder, {});
    assert.deepEqual([config.project_id, unsetVariables], ['a', ['X']]);
  });

  test('a manifest that cannot be read is an error that names it', async () => {
    await using folder = await TempWorkspace.open(
      { 'velocity.yml': PIPELINE, 'package.json': { workspaces: ['p/*'] }, 'p/a/package.json': '{' },
      { git: false },
    );
    await rejectsAsInvalid(openWorkspace(folder.root, {}), /^p\/a\/package\.json cannot be read: /);
  });

  test('a velocity.yml that cannot be read is an error that says why', async () => {
    await using folder = await TempWorkspace.open({ 'velocity.yml/a.txt': '' }, { git: false });
    await rejectsAsInvalid(openWorkspace(folder.root, {}), /^velocity\.yml cannot be read: EISDIR/);
  });

  test('a folder in a manifest’s place is an error that names it', async () => {
    await using repo = await TempWorkspace.open({
      'velocity.yml': PIPELINE,
      'package.json': { workspaces: ['p/*'] },
      'p/a/package.json': { name: 'a' },
    });
    repo.remove('p/a/package.json');
    mkdirSync(repo.path('p/a/package.json'));
    await rejectsAsInvalid(openWorkspace(repo.root, {}), /^p\/a\/package\.json cannot be read: EISDIR/);
  });

  test('a byte order mark changes nothing', async () => {
    const mark = '\uFEFF';
    await using folder = await TempWorkspace.open(
      {
        'velocity.yml': `${mark}packages: [py]\n${PIPELINE}`,
        'package.json': `${mark}{ "name": "shop", "workspaces": ["p/*"] }`,
        'p/a/package.json': `${mark}{ "name": "a" }`,
        'py/pyproject.toml': `${mark}[project]\nname = "jobs"\n`,
      },
      { git: false },
    );
    const { graph } = await readWorkspace(folder);
    assert.deepEqual([...graph.names], ['shop', 'a', 'jobs']);
  });

  test('a lockfile and a manifest that git still tracks but that are gone are not looked for', async () => {
    await using repo = await TempWorkspace.open({
      'velocity.yml': PIPELINE,
      'package.json': { name: 'shop' },
      'package-lock.json': {},
    });
    repo.remove('package-lock.json');
    assert.equal((await readWorkspace(repo)).packageManager?.lockfile, undefined);
    repo.remove('package.json');
    assert.equal((await readWorkspace(repo)).packageManager, undefined);
  });
});
