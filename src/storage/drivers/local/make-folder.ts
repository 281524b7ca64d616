import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../../../base/errors.ts';

/**
 * Makes a folder and those above it; one that is there already is fine. Unlike Node's own `recursive`
 * it ends everywhere: that one tries for ever where a folder cannot be made in one that is there, as in /proc.
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await makeOne(path);
  } catch (error) {
    const above = dirname(path);
    if (systemCode(error) !== 'ENOENT' || above === path) throw error;
    await makeFolder(above);
    await makeOne(path);
  }
}

/** What `write` does with a path whose folder may not be there, or may be gone: it is made, and `write` called again. */
export async function withFolder<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  await makeFolder(dirname(path));
  return write();
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    // Systems differ in what they say of a folder that is there.
    if (systemCode(error) === 'ENOENT' || !(await isFolder(path))) throw error;
  }
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}
