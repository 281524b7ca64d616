import { open, readFile, rename } from 'node:fs/promises';
import { messageOf, systemCode, VelocityError } from '../../../base/errors.ts';
import { toFailure } from '../../../storage/drivers/local/local-failure.ts';
import { type Mount, type MountTerms, parseMountPath, parseMountPrefix } from './mount.ts';

/** A mount of the API, as it is written down. */
export type KeptMount = MountTerms & Pick<Mount, 'id' | 'madeAt'>;

const VERSION = 1;

/**
 * Those that the file has; none where there is no file.
 * @throws VelocityError `STORAGE_FAILED` where it is none of ours: without it, files would go to another place than they did
 */
export async function readMounts(file: string): Promise<readonly KeptMount[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw toFailure('read the mounts', error);
  });
  if (text === undefined) return [];
  try {
    const { version, mounts } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (version !== VERSION || !Array.isArray(mounts)) throw new Error(`expected version ${VERSION}`);
    return mounts.map(parseMount);
  } catch (error) {
    throw new VelocityError(
      'STORAGE_FAILED',
      `The file of mounts cannot be used: ${messageOf(error)}. Repair it, or remove it and make the mounts anew. (${file})`,
      { cause: error },
    );
  }
}

/** In place of what it had, whole or not at all. @throws VelocityError `STORAGE_*` */
export async function writeMounts(file: string, mounts: readonly KeptMount[]): Promise<void> {
  const rows = mounts.map(({ id, path, store, prefix, label, madeAt }) => ({
    ...{ id, path, store, prefix, label },
    made: new Date(madeAt).toISOString(),
  }));
  const temp = `${file}.tmp`;
  try {
    const handle = await open(temp, 'w');
    try {
      await handle.writeFile(`${JSON.stringify({ version: VERSION, mounts: rows }, undefined, 2)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temp, file);
  } catch (error) {
    throw toFailure('write down the mounts', error);
  }
}

function parseMount(raw: unknown): KeptMount {
  if (typeof raw !== 'object' || raw === null) throw new Error('a mount is no map');
  const { id, path, store, prefix, label, made } = raw as Readonly<Record<string, unknown>>;
  const madeAt = typeof made === 'string' ? Date.parse(made) : Number.NaN;
  if (typeof id !== 'string' || id === '' || typeof path !== 'string' || typeof store !== 'string')
    throw new Error('a mount has no id, path or store');
  if (
    typeof prefix !== 'string' ||
    (label !== undefined && typeof label !== 'string') ||
    Number.isNaN(madeAt)
  )
    throw new Error(`the mount ${id} has a prefix, label or time that is none`);
  return { id, store, label, madeAt, path: parseMountPath(path), prefix: parseMountPrefix(prefix) };
}
