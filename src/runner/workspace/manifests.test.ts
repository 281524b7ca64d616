import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { VelocityError } from '../../base/errors.ts';
import { MANIFEST_FILES, readManifest } from './manifests.ts';
import type { Manifest } from './package.ts';

/** The manifest of a folder that holds only it. */
async function read(
  file: (typeof MANIFEST_FILES)[number],
  content: unknown,
  directory = 'packages/a',
): Promise<Manifest> {
  await using folder = await TempWorkspace.open({ [`${directory}/${file}`]: content }, { git: false });
  return await readManifest(folder.root, directory, file);
}

async function rejectsNaming(path: string, reading: Promise<unknown>): Promise<void> {
  await assert.rejects(reading, (error: unknown) => {
    assert.ok(error instanceof VelocityError);
    assert.equal(error.code, 'WORKSPACE_INVALID');
    assert.ok(error.message.startsWith(`${path} cannot be read: `), error.message);
    return true;
  });
}

describe('readManifest', () => {
  test('a folder without a manifest has no name, scripts or dependencies', async () => {
    assert.deepEqual(await readManifest('/nowhere', 'a', undefined), {
      file: undefined,
      name: undefined,
      version: undefined,
      scripts: {},
      dependencies: [],
      npm: undefined,
    });
  });

  test('the root’s manifest is named without a folder', async () => {
    assert.equal((await read('package.json', {}, '.')).file, 'package.json');
  });
});

describe('package.json', () => {
  test('name, version, scripts, all four kinds of dependencies and what is forced are read', async () => {
    const manifest = await read('package.json', {
      name: '@shop/web',
      version: '1.2.3',
      scripts: { build: 'tsc' },
      dependencies: { a: '1' },
      devDependencies: { b: '2' },
      optionalDependencies: { c: '3' },
      peerDependencies: { d: '4' },
      resolutions: { e: '5' },
    });
    assert.deepEqual(manifest, {
      file: 'packages/a/package.json',
      name: '@shop/web',
      version: '1.2.3',
      scripts: { build: 'tsc' },
      dependencies: [{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'd' }],
      npm: {
        dependencies: { a: '1' },
        devDependencies: { b: '2' },
        optionalDependencies: { c: '3' },
        peerDependencies: { d: '4' },
        resolutions: { e: '5' },
      },
    });
  });

  const targets: readonly (readonly [
    what: string,
    name: string,
    spec: string,
    ...Manifest['dependencies'],
  ])[] = [
    ['the workspace’s own', 'bb', 'workspace:*', { name: 'bb' }],
    ['a range in the workspace', 'bb', 'workspace:^1.2.3', { name: 'bb' }],
    ['an alias of one in the workspace', 'alias', 'workspace:bb@*', { name: 'bb' }],
    ['an alias of one with a scope', 'alias', 'workspace:@shop/bb@^1', { name: '@shop/bb' }],
    ['a folder of the workspace', 'x', 'workspace:../b', { directory: 'packages/b' }],
    [
      'a folder from the root, as Yarn takes it',
      'x',
      'workspace:packages/b',
      { directory: 'packages/a/packages/b' },
      { directory: 'packages/b' },
    ],
    ['a folder', 'x', 'file:../b', { directory: 'packages/b' }],
    ['a folder without dots', 'x', 'file:vendored/b/', { directory: 'packages/a/vendored/b' }],
    ['a linked folder', 'x', 'link:../../tools/b', { directory: 'tools/b' }],
    ['a portal', 'x', 'portal:./b', { directory: 'packages/a/b' }],
    ['a bare path', 'x', '../b', { directory: 'packages/b' }],
    ['the root', 'x', 'link:../..', { directory: '' }],
    ['an npm alias', 'alias', 'npm:bb@^1', { name: 'bb' }],
    ['an npm alias with a scope', 'bb', 'npm:@shop/bb', { name: '@shop/bb' }],
    ['an alias or a tag, which look alike', 'bb', 'npm:latest', { name: 'latest' }, { name: 'bb' }],
    ['a version', 'bb', '^1.2.3', { name: 'bb' }],
    ['a version as Yarn writes it', 'bb', 'npm:^1.2.3', { name: 'bb' }],
    ['an address', 'bb', 'https://example.com/bb.tgz', { name: 'bb' }],
    ['a catalogue', 'bb', 'catalog:', { name: 'bb' }],
  ];
  for (const [what, name, spec, ...expected] of targets)
    test(`a dependency on ${what} points there: "${name}": "${spec}"`, async () => {
      const { dependencies } = await read('package.json', { devDependencies: { [name]: spec } });
      assert.deepEqual(dependencies, expected);
    });

  test('fields of a wrong type count as absent', async () => {
    const manifest = await read('package.json', {
      name: 7,
      version: '',
      scripts: { build: ['a'], test: 'node --test' },
      dependencies: ['a'],
    });
    const { name, version, scripts, dependencies } = manifest;
    assert.deepEqual(
      { name, version, scripts, dependencies },
      { name: undefined, version: undefined, scripts: { test: 'node --test' }, dependencies: [] },
    );
  });

  test('a script may have any name, those of JavaScript’s own objects too', async () => {
    const { scripts } = await read('package.json', '{"scripts":{"__proto__":"a","constructor":"b"}}');
    assert.deepEqual(Object.entries(scripts), [
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]);
  });

  test('a syntax error names the file', async () => {
    await rejectsNaming('packages/a/package.json', read('package.json', '{ "name": '));
  });
});

describe('Cargo.toml', () => {
  test('dependencies with a path point at folders from the workspace root', async () => {
    const manifest = await read(
      'Cargo.toml',
      `[package]
name = "a"
version = "0.1.0"
[dependencies]
serde = "1"
core = { path = "../core", version = "0.1" }
[dev-dependencies]
fixtures = { path = "./fixtures/" }
[build-dependencies.gen]
path = "../../tools/gen"`,
    );
    assert.equal(manifest.name, 'a');
    assert.equal(manifest.version, '0.1.0');
    assert.deepEqual(manifest.dependencies, [
      { directory: 'packages/core' },
      { directory: 'packages/a/fixtures' },
      { directory: 'tools/gen' },
    ]);
  });

  test('what is inherited from the Cargo workspace is known by its name', async () => {
    const manifest = await read(
      'Cargo.toml',
      '[package]\nname = "a"\n[dependencies]\ncore.workspace = true\n',
    );
    assert.deepEqual(manifest.dependencies, [{ name: 'core' }]);
  });

  test('an inherited version is no version', async () => {
    const manifest = await read('Cargo.toml', '[package]\nname = "a"\nversion.workspace = true\n');
    assert.equal(manifest.version, undefined);
  });

  test('dependencies of one platform only count too', async () => {
    const manifest = await read(
      'Cargo.toml',
      `[package]
name = "a"
[target.'cfg(unix)'.dependencies]
unix = { path = "../unix" }
[target.x86_64-pc-windows-gnu.build-dependencies]
win = { path = "../win" }`,
    );
    assert.deepEqual(manifest.dependencies, [{ directory: 'packages/unix' }, { directory: 'packages/win' }]);
  });

  test('the root’s own folder is the empty path', async () => {
    const manifest = await read('Cargo.toml', '[dependencies]\nroot = { path = "../.." }\n');
    assert.deepEqual(manifest.dependencies, [{ directory: '' }]);
  });

  test('a syntax error names the file', async () => {
    await rejectsNaming('packages/a/Cargo.toml', read('Cargo.toml', '[package\n'));
  });
});

describe('go.mod', () => {
  test('module, requirements and replacements by folders are read', async () => {
    const manifest = await read(
      'go.mod',
      `module example.com/shop/web // the shop

go 1.24
toolchain go1.24.1

require example.com/shop/single v0.0.0
require (
	example.com/shop/lib v0.1.0
	golang.org/x/text v0.3.0 // indirect
)

replace example.com/shop/lib => ../lib
replace example.com/other v1.0.0 => ./vendored/other/
replace example.com/far => example.com/fork v1.0.0
`,
    );
    assert.equal(manifest.name, 'example.com/shop/web');
    assert.deepEqual(manifest.dependencies, [
      { name: 'example.com/shop/single' },
      { name: 'example.com/shop/lib' },
      { name: 'golang.org/x/text' },
      { directory: 'packages/lib' },
      { directory: 'packages/a/vendored/other' },
    ]);
  });

  test('a module may have a name without a dot', async () => {
    const { dependencies } = await read(
      'go.mod',
      'module shop/web\nrequire shop/lib v0.0.0\nrequire (\n\tshop/core v0.0.0\n)\n',
    );
    assert.deepEqual(dependencies, [{ name: 'shop/lib' }, { name: 'shop/core' }]);
  });

  test('replacements stand alone or in a list, quoted or not, by any folder above', async () => {
    const { dependencies } = await read(
      'go.mod',
      `module shop/web
replace shop/up => ..
replace (
	shop/lib => ../lib
	shop/core v1.0.0 => "../core"
	shop/far v1.0.0 => example.com/fork v1.0.0
)
`,
    );
    assert.deepEqual(dependencies, [
      { directory: 'packages' },
      { directory: 'packages/lib' },
      { directory: 'packages/core' },
    ]);
  });

  test('what is excluded, retracted or a tool is no requirement', async () => {
    const { dependencies } = await read(
      'go.mod',
      `module a
exclude example.com/x v1.0.0
exclude (
	example.com/y v1.0.0
)
retract v1.0.0
retract [v1.1.0, v1.2.0]
tool example.com/z/cmd
`,
    );
    assert.deepEqual(dependencies, []);
  });

  test('a commented line is no requirement', async () => {
    const { dependencies } = await read('go.mod', 'module a\n// require example.com/x v1.0.0\n');
    assert.deepEqual(dependencies, []);
  });

  test('a quoted module path is taken without its quotes, with Windows line ends too', async () => {
    assert.equal((await read('go.mod', 'module "example.com/a"\r\n\r\ngo 1.24\r\n')).name, 'example.com/a');
  });
});

describe('pyproject.toml', () => {
  test('the standard’s name, version and dependencies are read, without versions, extras and markers', async () => {
    const manifest = await read(
      'pyproject.toml',
      `[project]
name = "web"
version = "1.0"
dependencies = ["requests>=2", "shop-lib[fast]==1.0", "Other_Lib ; python_version > '3'", "plain"]`,
    );
    assert.deepEqual([manifest.name, manifest.version], ['web', '1.0']);
    assert.deepEqual(manifest.dependencies, [
      { name: 'requests' },
      { name: 'shop-lib' },
      { name: 'Other_Lib' },
      { name: 'plain' },
    ]);
  });

  test('Poetry’s name and paths are read', async () => {
    const manifest = await read(
      'pyproject.toml',
      `[tool.poetry]
name = "web"
version = "2.0"
[tool.poetry.dependencies]
python = "^3.12"
lib = { path = "../lib", develop = true }`,
    );
    assert.deepEqual([manifest.name, manifest.version], ['web', '2.0']);
    assert.deepEqual(manifest.dependencies, [{ directory: 'packages/lib' }]);
  });

  test('Poetry’s groups are read, also where a package has several places', async () => {
    const { dependencies } = await read(
      'pyproject.toml',
      `[tool.poetry]
name = "web"
[tool.poetry.dependencies]
lib = [{ path = "../lib", platform = "linux" }, { version = "1", platform = "win32" }]
[tool.poetry.dev-dependencies]
fixtures = { path = "../fixtures" }
[tool.poetry.group.test.dependencies]
testing = { path = "../testing" }
[tool.poetry.group.docs.dependencies]
theme = { path = "../theme" }`,
    );
    assert.deepEqual(dependencies, [
      { directory: 'packages/lib' },
      { directory: 'packages/fixtures' },
      { directory: 'packages/testing' },
      { directory: 'packages/theme' },
    ]);
  });

  test('extras, groups, uv’s development dependencies and what builds it are read', async () => {
    const { dependencies } = await read(
      'pyproject.toml',
      `[build-system]
requires = ["shop-build"]
[project]
name = "web"
dependencies = ["lib"]
[project.optional-dependencies]
fast = ["lib-fast>=1", "speedups"]
[dependency-groups]
test = ["testing", { include-group = "lint" }]
lint = ["linting~=2.0"]
[tool.uv]
dev-dependencies = ["tooling"]
[tool.uv.sources]
testing = { workspace = true }
linting = [{ path = "../linting", marker = "sys_platform == 'linux'" }, { index = "internal" }]`,
    );
    assert.deepEqual(dependencies, [
      { name: 'lib' },
      { name: 'lib-fast' },
      { name: 'speedups' },
      { name: 'testing' },
      { name: 'linting' },
      { name: 'tooling' },
      { name: 'shop-build' },
      { directory: 'packages/linting' },
    ]);
  });

  test('fields of a wrong type count as absent', async () => {
    const { dependencies } = await read(
      'pyproject.toml',
      `dependency-groups = "x"
[project]
name = "web"
dependencies = "lib"
optional-dependencies = ["lib"]
[tool.poetry]
dependencies = ["lib"]
group = { test = "x" }`,
    );
    assert.deepEqual(dependencies, []);
  });

  test('uv’s sources by path are read', async () => {
    const manifest = await read(
      'pyproject.toml',
      `[project]
name = "web"
dependencies = ["lib"]
[tool.uv.sources]
lib = { path = "../lib" }
other = { workspace = true }`,
    );
    assert.deepEqual(manifest.dependencies, [{ name: 'lib' }, { directory: 'packages/lib' }]);
  });
});

test('a folder with several manifests is what its first one says', () => {
  assert.deepEqual([...MANIFEST_FILES], ['package.json', 'Cargo.toml', 'go.mod', 'pyproject.toml']);
});
