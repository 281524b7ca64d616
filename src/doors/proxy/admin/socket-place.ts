import { lstat, mkdir, stat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { systemCode, VelocityError } from '../../../base/errors.ts';
import { adminFolders, adminSocketName } from '../../../wire/admin-socket-place.ts';

/** unix(7): `sun_path` has 108 bytes with the zero at its end, of BSD's descendants 104. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/**
 * Where the socket of the proxy on that port is unless settings say where. The folder is made where it is to be ours alone.
 * @throws VelocityError `LISTEN_FAILED`
 */
export async function defaultSocketPath(env: NodeJS.ProcessEnv, port: number): Promise<string> {
  const uid = process.getuid?.();
  const [{ path, isOurs }] = adminFolders(env, uid);
  if (isOurs) await makePrivate(path, uid);
  return `${path}/${adminSocketName(port)}`;
}

/** @throws VelocityError `LISTEN_FAILED` where somebody else has the folder or could put another socket there */
async function makePrivate(folder: string, uid: number | undefined): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST')
      throw refusal(
        `The folder ${folder} for the admin socket cannot be made (${systemCode(error)}).`,
        error,
      );
  }
  // Not `stat`: a link may lead elsewhere by the time it is used.
  const found = await lstat(folder);
  const isOthers = uid !== undefined && (found.uid !== uid || (found.mode & 0o077) !== 0);
  if (!found.isDirectory() || isOthers)
    throw refusal(
      `${folder}, meant for the admin socket, is not a folder of this user alone. Remove it, or name another place for the socket.`,
    );
}

/**
 * Makes sure that a socket may be made at the path: what a dead process left there is removed.
 * @throws VelocityError `LISTEN_FAILED`
 */
export async function freePlace(path: string): Promise<void> {
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH_BYTES)
    throw refusal(
      `The path of the admin socket has ${bytes} bytes and may have ${MAX_PATH_BYTES}: ${path}. Name a shorter one.`,
    );
  const folder = dirname(path);
  const { mode } = await stat(folder).catch((error: unknown) => {
    throw refusal(`The folder ${folder} for the admin socket cannot be used (${systemCode(error)}).`, error);
  });
  if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0)
    throw refusal(
      `In ${folder} every user can put another socket in the place of the admin socket. Name a folder to which others do not write.`,
    );
  const found = await lstat(path).catch(() => undefined);
  if (!found) return;
  if (!found.isSocket())
    throw refusal(`${path}, meant for the admin socket, is no socket; it is left alone.`);
  if (await isListenedTo(path))
    throw refusal(`Another process listens at ${path}. Give each proxy an admin socket of its own.`);
  await unlink(path).catch(() => {}); // gone, or listening says why not
}

/** Whether a process is at the other end; of one that cannot be asked it is believed. */
function isListenedTo(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(!['ECONNREFUSED', 'ENOENT'].includes(systemCode(error) ?? '')));
  });
}

function refusal(message: string, cause?: unknown): VelocityError {
  return new VelocityError('LISTEN_FAILED', message, cause === undefined ? {} : { cause });
}
