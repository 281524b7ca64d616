import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import { type Files, TempWorkspace } from '../../../test/rig/temp-workspace.ts';
import { VelocityError } from '../../base/errors.ts';
import { discoverPackages, unseenFolders } from './packages.ts';
import { listVisibleFiles } from './visible-files.ts';

const ENV = { PATH: process.env['PATH'] };

interface Globs {
  readonly workspace?: readonly string[];
  readonly packages?: readonly string[];
}

/** The packages found, as `folder = name`. */
async function discover(repo: TempWorkspace, { workspace = [], packages = [] }: Globs): Promise<string[]> {
  const { files } = await listVisibleFiles(repo.root, ENV);
  const found = await discoverPackages({
    root: repo.root,
    files,
    workspaceGlobs: workspace,
    packageGlobs: packages,
  });
  return found.map(({ directory, name }) => `${directory || '.'} = ${name}`);
}

async function discoverIn(files: Files, globs: Globs): Promise<string[]> {
  await using repo = await TempWorkspace.open(files, { git: false });
  return await discover(repo, globs);
}

async function rejectsWith(message: RegExp, discovering: Promise<unknown>): Promise<void> {
  await assert.rejects(discovering, (error: unknown) => {
    assert.ok(error instanceof VelocityError);
    assert.equal(error.code, 'WORKSPACE_INVALID');
    assert.match(error.message, message);
    return true;
  });
}

describe('the root', () => {
  test('it is always a package, under its manifest’s name', async () => {
    assert.deepEqual(await discoverIn({ 'package.json': { name: 'shop' } }, {}), ['. = shop']);
  });

  test('it is called // where no manifest names it', async () => {
    assert.deepEqual(await discoverIn({ 'a.txt': '' }, {}), ['. = //']);
  });
});

describe('the package manager’s workspace', () => {
  test('folders that a glob means and that hold a package.json are packages, sorted by folder', async () => {
    const files = {
      'packages/b/package.json': { name: 'b' },
      'packages/a/package.json': { name: '@shop/a' },
      'packages/empty/readme.md': '',
      'packages/a/nested/package.json': { name: 'nested' },
    };
    assert.deepEqual(await discoverIn(files, { workspace: ['packages/*'] }), [
      '. = //',
      'packages/a = @shop/a',
      'packages/b = b',
    ]);
  });

  test('a double star finds nested packages', async () => {
    const files = { 'a/package.json': { name: 'a' }, 'a/b/c/package.json': { name: 'c' }, 'a/b/x.ts': '' };
    assert.deepEqual(await discoverIn(files, { workspace: ['a/**'] }), ['. = //', 'a = a', 'a/b/c = c']);
  });

  test('a negation takes packages out', async () => {
    const files = { 'p/a/package.json': { name: 'a' }, 'p/test/fixture/package.json': { name: 'fixture' } };
    assert.deepEqual(await discoverIn(files, { workspace: ['p/**', '!**/test/**'] }), ['. = //', 'p/a = a']);
  });

  test('trailing slashes and leading dots in globs change nothing', async () => {
    const files = { 'p/a/package.json': { name: 'a' } };
    assert.deepEqual(await discoverIn(files, { workspace: ['./p/*/'] }), ['. = //', 'p/a = a']);
  });

  test('"." names the root, not everything below it', async () => {
    const files = { 'package.json': { name: 'shop' }, 'templates/x/package.json': { name: 'x' } };
    for (const dot of ['.', './'])
      assert.deepEqual(await discoverIn(files, { workspace: [dot], packages: [dot] }), ['. = shop']);
  });

  test('a package without a name is called after its folder', async () => {
    assert.deepEqual(await discoverIn({ 'p/a/package.json': {} }, { workspace: ['p/*'] }), [
      '. = //',
      'p/a = a',
    ]);
  });

  test('a package.json that git ignores makes no package', async () => {
    await using repo = await TempWorkspace.open({ '.gitignore': 'p/gen\n', 'p/a/package.json': {} });
    repo.write({ 'p/gen/package.json': {} });
    assert.deepEqual(await discover(repo, { workspace: ['p/*'] }), ['. = //', 'p/a = a']);
  });

  test('a package whose tracked files were removed from the disk is none', async () => {
    await using repo = await TempWorkspace.open({
      'p/gone/package.json': {},
      'p/half/package.json': {},
      'p/half/rest.ts': '',
    });
    repo.remove('p/gone', 'p/half/package.json');
    assert.deepEqual(await discover(repo, { workspace: ['p/*'] }), ['. = //']);
  });
});

describe('packages: of velocity.yml', () => {
  test('folders of any language are packages, with a manifest or without', async () => {
    const files = {
      's/rust/Cargo.toml': '[package]\nname = "engine"\n',
      's/go/go.mod': 'module example.com/api\n',
      's/py/pyproject.toml': '[project]\nname = "jobs"\n',
      's/plain/Makefile': '',
    };
    assert.deepEqual(await discoverIn(files, { packages: ['s/*'] }), [
      '. = //',
      's/go = example.com/api',
      's/plain = plain',
      's/py = jobs',
      's/rust = engine',
    ]);
  });

  test('a folder that holds only folders can be one', async () => {
    assert.deepEqual(await discoverIn({ 's/a/src/x.c': '' }, { packages: ['s/*'] }), ['. = //', 's/a = a']);
  });

  test('a folder that is named is a package even while git sees nothing in it', async () => {
    await using repo = await TempWorkspace.open({ 'a.txt': '' });
    mkdirSync(repo.path('generated'));
    assert.deepEqual(await discover(repo, { packages: ['./generated/'] }), [
      '. = //',
      'generated = generated',
    ]);
  });

  test('unseen are the folders named one by one that hold something of which git tells nothing', async () => {
    await using repo = await TempWorkspace.open({ '.gitignore': 'gen\n', 'p/a/b/x.ts': '', file: '' });
    repo.write({ 'gen/one/x.ts': '', 'gen/two/y.ts': '', 'p/gen/z.ts': '' });
    mkdirSync(repo.path('empty'));
    const { files } = await listVisibleFiles(repo.root, ENV);
    const globs = ['./gen/one/', 'gen/*', '!gen/two', 'p/gen', 'p/a', 'p', '.', 'empty', 'none', 'file'];
    assert.deepEqual(unseenFolders(repo.root, files, globs), ['gen/one', 'p/gen']);
  });

  test('a named folder that is not there is an error that quotes the name', async () => {
    await rejectsWith(
      /lists the package "apps\/wbe", but there is no such folder/,
      discoverIn({}, { packages: ['apps/wbe'] }),
    );
  });

  test('a glob that means nothing, and a negation of what is not there, are no errors', async () => {
    assert.deepEqual(await discoverIn({ 'a.txt': '' }, { packages: ['apps/*', '!gone'] }), ['. = //']);
  });

  test('a package of the workspace that is listed here too is one package', async () => {
    const files = { 'p/a/package.json': { name: 'a' } };
    assert.deepEqual(await discoverIn(files, { workspace: ['p/*'], packages: ['p/a'] }), [
      '. = //',
      'p/a = a',
    ]);
  });

  test('a manifest that was removed from the disk is not read', async () => {
    await using repo = await TempWorkspace.open({
      's/a/Cargo.toml': '[package]\nname = "x"\n',
      's/a/b.rs': '',
    });
    repo.remove('s/a/Cargo.toml');
    assert.deepEqual(await discover(repo, { packages: ['s/*'] }), ['. = //', 's/a = a']);
  });
});

describe('names', () => {
  test('two packages of one name are an error that tells both folders', async () => {
    const files = { 'p/a/package.json': { name: 'same' }, 'q/b/package.json': { name: 'same' } };
    await rejectsWith(
      /^Two packages are called "same": p\/a and q\/b\. Names must differ\.$/,
      discoverIn(files, { workspace: ['p/*', 'q/*'] }),
    );
  });

  test('the root may not share its name either', async () => {
    const files = { 'package.json': { name: 'shop' }, 'p/package.json': { name: 'shop' } };
    await rejectsWith(/"shop": the root and p\./, discoverIn(files, { workspace: ['p'] }));
  });
});
