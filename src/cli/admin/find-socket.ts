import { lstat, readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { VelocityError } from '../../base/errors.ts';
import { type AdminFolder, adminFolders, isAdminSocketName } from '../../wire/admin-socket-place.ts';
import type { Io } from '../io.ts';

/**
 * The admin socket to ask: the given one, else the only one at which a proxy answers.
 * @throws VelocityError `PROXY_UNREACHABLE` where there is none, `USAGE` where there are several
 */
export async function findSocket(given: string | undefined, { env, cwd }: Io): Promise<string> {
  if (given !== undefined) return resolve(cwd, given);
  const folders = adminFolders(env, process.getuid?.());
  const paths = (await Promise.all(folders.map(socketsIn))).flat();
  const answers = await Promise.all(paths.map(isAnswered));
  const [path, ...others] = paths.filter((_, at) => answers[at]);
  if (path === undefined)
    throw new VelocityError(
      'PROXY_UNREACHABLE',
      `No caching proxy answers at an admin socket in ${folders.map((folder) => folder.path).join(' or ')}. Start one, or name its socket with --socket.`,
    );
  if (others.length > 0)
    throw new VelocityError(
      'USAGE',
      `Several caching proxies run. Name the socket of one with --socket:\n${[path, ...others].map((each) => `  ${each}`).join('\n')}`,
    );
  return path;
}

async function socketsIn({ path, isOurs }: AdminFolder): Promise<string[]> {
  try {
    // Anybody may make a folder of that name among temporary files.
    if (isOurs && (await lstat(path)).uid !== process.getuid?.()) return [];
    return (await readdir(path)).filter(isAdminSocketName).map((name) => join(path, name));
  } catch {
    return []; // it is not there, or not for us
  }
}

/** A proxy that was killed leaves its socket behind. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
