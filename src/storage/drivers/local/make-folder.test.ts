import assert from 'node:assert/strict';
import { existsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openTempFolder } from '../../../../test/rig/temp-folder.ts';
import { makeFolder } from './make-folder.ts';

describe('makeFolder', () => {
  test('a folder is made with those above it, and may be there already', async () => {
    await using folder = await openTempFolder();
    const path = join(folder.path, 'a/b/c');
    await makeFolder(path);
    await makeFolder(path);
    await makeFolder('/');
    assert.ok(statSync(path).isDirectory());
  });

  test('any number may make the same folder at once', async () => {
    await using folder = await openTempFolder();
    const path = join(folder.path, 'a/b/c/d/e');
    await Promise.all(Array.from({ length: 32 }, () => makeFolder(path)));
    assert.ok(statSync(path).isDirectory());
  });

  test('a link to a folder is one', async () => {
    await using folder = await openTempFolder();
    symlinkSync('.', join(folder.path, 'link'));
    await makeFolder(join(folder.path, 'link/a'));
    assert.ok(statSync(join(folder.path, 'a')).isDirectory());
  });

  test('what stands in the way is told', async () => {
    await using folder = await openTempFolder();
    const [file, dangling] = [join(folder.path, 'file'), join(folder.path, 'dangling')];
    writeFileSync(file, '');
    symlinkSync('nowhere', dangling);
    await assert.rejects(makeFolder(file), { code: 'EEXIST' });
    await assert.rejects(makeFolder(join(file, 'a')), { code: 'ENOTDIR' });
    for (const path of [dangling, join(dangling, 'a')])
      await assert.rejects(makeFolder(path), { code: 'EEXIST' });
  });

  // There mkdir(2) says that a folder above is missing though it is there: /proc to root, else EACCES.
  test('a file system that takes no folders is told', { skip: !existsSync('/proc/self') }, async () => {
    await assert.rejects(makeFolder('/proc/nope/a/b'), { code: /^(ENOENT|EACCES)$/ });
  });

  test('a folder that may not be made is told as such', { skip: !existsSync('/sys/kernel') }, async () => {
    await assert.rejects(makeFolder('/sys/nope/a'), { code: /^(EPERM|EACCES|EROFS)$/ });
  });
});
