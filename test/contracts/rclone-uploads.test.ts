import assert from 'node:assert/strict';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { RcloneStore } from '../../src/storage/drivers/rclone/rclone-store.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import { ensureDebian } from '../rig/debian.ts';
import { RCLONE_NEED } from '../rig/rclone.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { until } from '../rig/until.ts';

const KEY = parseObjectKey('a/key');
const UPLOADS = '.velocity-uploads';
const ready = await ensureDebian(RCLONE_NEED);

describe('uploads through rclone', { skip: ready === 'ready' ? false : ready.skip }, () => {
  test('a store that is only read is not written to', async () => {
    await using folder = await openTempFolder();
    const store = await RcloneStore.open({ remote: 'local', path: folder.path });
    await store.probe();
    assert.equal(await store.get(KEY), undefined);
    for await (const { key } of store.list({ prefix: '' })) assert.fail(key);
    await store.close();
    assert.deepEqual(await readdir(folder.path), []);
  });

  test('nothing is left of an upload that failed, and what replaced an object is all there is', async () => {
    await using folder = await openTempFolder();
    const store = await RcloneStore.open({ remote: 'local', path: folder.path });
    const brokenOff = Readable.from(
      (function* () {
        yield Buffer.alloc(200_000);
        throw new Error('the upload broke off');
      })(),
    );
    await assert.rejects(store.put(KEY, brokenOff, { ifAbsent: false }), /broke off/);
    for (const body of ['first', 'second']) await store.put(KEY, Buffer.from(body), { ifAbsent: false });
    await store.close();
    assert.deepEqual(await readdir(join(folder.path, UPLOADS)), []);
    assert.deepEqual(await readdir(join(folder.path, 'a')), ['key']);
  });

  test('what a server that ended left for a day goes with the first write; other files stay', async () => {
    await using folder = await openTempFolder();
    const uploads = join(folder.path, UPLOADS);
    await mkdir(uploads);
    const [old, recent, foreign] = ['0'.repeat(32), '1'.repeat(32), 'notes.txt'];
    for (const name of [old, recent, foreign]) await writeFile(join(uploads, name), '');
    const twoDaysAgo = Date.now() / 1000 - 2 * 24 * 3600;
    for (const name of [old, foreign]) await utimes(join(uploads, name), twoDaysAgo, twoDaysAgo);
    const store = await RcloneStore.open({ remote: 'local', path: folder.path });
    await store.put(KEY, Buffer.from('a body'), { ifAbsent: true });
    await until(async () => !(await readdir(uploads)).includes(old));
    await store.close();
    assert.deepEqual(await readdir(uploads), [recent, foreign]);
  });

  test('the folder of uploads is nobody’s to read, to list or to write', async () => {
    await using folder = await openTempFolder();
    const store = await RcloneStore.open({ remote: 'local', path: folder.path });
    await store.put(KEY, Buffer.from('a body'), { ifAbsent: true });
    await writeFile(join(folder.path, UPLOADS, 'a'), 'hidden');
    await writeFile(join(folder.path, `${UPLOADS}-of-others`), 'shown');
    const inside = parseObjectKey(`${UPLOADS}/a`);
    assert.equal(await store.head(inside), undefined);
    assert.equal(await store.get(inside), undefined);
    await assert.rejects(store.put(inside, Buffer.from('x'), { ifAbsent: true }), { code: 'INVALID_KEY' });
    const others = `${UPLOADS}-of-others`;
    for (const [prefix, expected] of [
      ['', [others, KEY]],
      [UPLOADS, [others]],
      [`${UPLOADS}/`, []],
    ] as const) {
      const listed: string[] = [];
      for await (const { key } of store.list({ prefix })) listed.push(key);
      assert.deepEqual(listed, expected);
    }
    await store.close();
  });
});
