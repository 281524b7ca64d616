import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { openTempFolder } from '../../../../test/rig/temp-folder.ts';
import { TempFiles } from './temp-files.ts';

const HOUR_MS = 3_600_000;
const HOST = hostname().replaceAll(/[^A-Za-z0-9-]/g, '_');
const DEAD_PID = spawnSync(process.execPath, ['--version']).pid;

/** A folder with one file of this name and age, swept: is the file gone? */
async function isSwept(name: string, ageMs = 0): Promise<boolean> {
  await using folder = await openTempFolder();
  const clock = new ManualClock();
  const path = join(folder.path, name);
  await writeFile(path, 'half a body');
  const touchedAt = (clock.now() - ageMs) / 1000;
  await utimes(path, touchedAt, touchedAt);
  const swept = await new TempFiles(folder.path, clock).sweep();
  const isGone = (await readdir(folder.path)).length === 0;
  assert.equal(swept, isGone ? 1 : 0);
  return isGone;
}

test('names are new each time, in the folder, and tell host and process', () => {
  const files = new TempFiles('/store/folder', new ManualClock());
  const names = [files.next(), files.next()];
  assert.equal(new Set(names).size, 2);
  for (const name of names) {
    assert.equal(dirname(name), '/store/folder');
    assert.ok(basename(name).startsWith(`${HOST}.${process.pid}.`));
    assert.equal(basename(name).split('.').length, 4);
  }
});

test('the file of a process of this machine that is gone is swept at once', async () => {
  assert.equal(await isSwept(`${HOST}.${DEAD_PID}.aabbccddeeff.0`), true);
});

test('the file of a process of this machine that runs is kept', async () => {
  assert.equal(await isSwept(`${HOST}.${process.ppid}.aabbccddeeff.0`), false);
});

test('the file of an earlier process with this one’s number is swept, as containers restart with the same', async () => {
  assert.equal(await isSwept(`${HOST}.${process.pid}.aabbccddeeff.0`), true);
});

test('the files this process writes are kept, however old', async () => {
  await using folder = await openTempFolder();
  const clock = new ManualClock(Date.now());
  const files = new TempFiles(folder.path, clock);
  await writeFile(files.next(), 'half a body');
  clock.advance(48 * HOUR_MS);
  assert.equal(await files.sweep(), 0);
});

test('the file of another machine is kept for a day after it was touched', async () => {
  const name = `another-host.${DEAD_PID}.aabbccddeeff.0`;
  assert.equal(await isSwept(name, 23 * HOUR_MS), false);
  assert.equal(await isSwept(name, 25 * HOUR_MS), true);
});

test('a file from the future, as of a machine whose clock is ahead, is kept', async () => {
  assert.equal(await isSwept(`another-host.${DEAD_PID}.aabbccddeeff.0`, -48 * HOUR_MS), false);
});

test('a file whose name is not exactly one of ours is somebody else’s and kept, however old', async () => {
  const names = [
    'stray',
    `${HOST}`,
    `${HOST}.x.aabbccddeeff.0`,
    `${HOST}.-1.aabbccddeeff.0`,
    `${HOST}.${DEAD_PID}.aabbcc.0`,
    `${HOST}.${DEAD_PID}.AABBCCDDEEFF.0`,
    `${HOST}.${DEAD_PID}.aabbccddeeff`,
    `${HOST}.${DEAD_PID}.aabbccddeeff.0.bak`,
    `${HOST}.${DEAD_PID}.aabbccddeeff.0\n`,
    `.${DEAD_PID}.aabbccddeeff.0`,
    `my.${HOST}.${DEAD_PID}.aabbccddeeff.0`,
  ];
  for (const name of names) assert.equal(await isSwept(name, 48 * HOUR_MS), false, name);
});

test('a folder is not a file somebody was writing and is left alone', async () => {
  await using folder = await openTempFolder();
  await mkdir(join(folder.path, `${HOST}.${DEAD_PID}.aabbccddeeff.0`));
  assert.equal(await new TempFiles(folder.path, new ManualClock()).sweep(), 0);
});

test('a sweep makes the folder where it is missing', async () => {
  await using folder = await openTempFolder();
  const path = join(folder.path, 'a', 'tmp');
  assert.equal(await new TempFiles(path, new ManualClock()).sweep(), 0);
  assert.deepEqual(await readdir(path), []);
  await rm(path, { recursive: true });
});
