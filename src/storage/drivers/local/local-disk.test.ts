import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { isOnLocalDisk } from './local-disk.ts';

const linux = { skip: process.platform !== 'linux' && 'only Linux tells file systems apart' };

test('memory is local, and what is not known to be local is not', linux, async () => {
  if (existsSync('/dev/shm')) assert.equal(await isOnLocalDisk('/dev/shm'), true);
  for (const folder of ['/proc', '/proc/none']) assert.equal(await isOnLocalDisk(folder), false);
});
