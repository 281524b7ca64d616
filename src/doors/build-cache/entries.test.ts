import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { type Access, everything } from '../../auth/access.ts';
import { LocalStore } from '../../storage/drivers/local/local-store.ts';
import { Entries } from './entries.ts';
import { scopedKey } from './scoped-key.ts';

test('the newest is of the first beginning that any entry has, in the first scope that has one', async () => {
  await using folder = await openTempFolder();
  const clock = new ManualClock(Date.now());
  const store = await LocalStore.open({ root: folder.path, clock });
  const put = async (scope: string, name: string): Promise<void> => {
    await store.put(scopedKey('default', scope, name), Buffer.from(name), { ifAbsent: true });
    clock.advance(1000);
  };
  await put('main', 'a/b-2-old');
  await put('main', 'a/b-1-new');
  await put('main', 'a/c');
  await put('own', 'a/b-3');
  await put('own', 'a/d');
  const reader: Access = { ...everything('reader'), readScopes: ['main', 'own'] };
  const entries = new Entries(store);
  const newest = async (beginnings: string[], limit = 100): Promise<string | undefined> =>
    (await entries.newest(reader, beginnings, limit))?.name;
  assert.equal(await newest(['a/b']), 'a/b-1-new');
  assert.equal(await newest(['a/x', 'a/c', 'a/b']), 'a/c');
  assert.equal(await newest(['a/d', 'a/b']), 'a/d');
  assert.equal(await newest(['a/x', 'b']), undefined);
  assert.equal(await newest(['a/b', 'a/c'], 0), undefined);
});
