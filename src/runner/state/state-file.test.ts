import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { readState, writeState } from './state-file.ts';

describe('a state file', () => {
  test('what is written is read, folders made as needed', async () => {
    await using folder = await openTempFolder();
    const path = `${folder.path}/a/b/state.json`;
    assert.equal(writeState(path, 'v1', { some: ['data'] }), undefined);
    assert.deepEqual(readState(path, 'v1'), { some: ['data'] });
  });

  test('a newer state takes the place of the older, and leaves nothing beside it', async () => {
    await using folder = await openTempFolder();
    const path = `${folder.path}/state.json`;
    for (const data of [1, 2]) writeState(path, 'v1', data);
    assert.equal(readState(path, 'v1'), 2);
    assert.deepEqual(readdirSync(folder.path), ['state.json']);
  });

  test('one that is missing, torn, of another version or not ours reads as nothing', async () => {
    await using folder = await openTempFolder();
    const path = `${folder.path}/state.json`;
    assert.equal(readState(path, 'v1'), undefined);
    for (const text of [
      '',
      '{"version":"v1","data":{"a',
      '{"version":"v2","data":1}',
      'null',
      '[]',
      '7',
      '\0\0\0',
    ]) {
      writeFileSync(path, text);
      assert.equal(readState(path, 'v1'), undefined, text);
    }
  });

  test('trouble with writing is told, not thrown', async () => {
    await using folder = await openTempFolder();
    writeFileSync(`${folder.path}/file`, '');
    mkdirSync(`${folder.path}/folder`);
    for (const path of [
      `${folder.path}/file/state.json`,
      `${folder.path}/file/a/state.json`,
      `${folder.path}/folder`,
    ])
      assert.ok(writeState(path, 'v1', {}) instanceof Error, path);
    assert.deepEqual(readdirSync(folder.path).sort(), ['file', 'folder']);
  });
});
