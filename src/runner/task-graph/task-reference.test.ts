import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseTaskReference } from './task-reference.ts';

describe('parseTaskReference', () => {
  test('a bare name is the task of the same package', () => {
    assert.deepEqual(parseTaskReference('build'), { scope: 'same', task: 'build' });
  });

  test('a caret points at the packages depended on', () => {
    assert.deepEqual(parseTaskReference('^build'), { scope: 'dependencies', task: 'build' });
  });

  test('a hash parts package and task, whatever else the package’s name holds', () => {
    for (const packageName of ['web', '@shop/web', '//', 'example.com/shop/web'])
      assert.deepEqual(parseTaskReference(`${packageName}#build:prod`), {
        scope: 'package',
        packageName,
        task: 'build:prod',
      });
  });
});
