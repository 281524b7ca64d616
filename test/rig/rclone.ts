import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export const RCLONE_NEED = { programs: ['rclone'], packages: ['rclone'] };

export interface WebdavServer extends AsyncDisposable {
  readonly url: string;
  readonly user: string;
  readonly password: string;
}

/** A WebDAV server over a folder, on a free port of 127.0.0.1. */
export async function startWebdav(folder: string): Promise<WebdavServer> {
  const [user, password] = ['webdav-user', 'a-webdav-password-of-tests'];
  const child = spawn('rclone', ['serve', 'webdav', '--addr', '127.0.0.1:0', '--config', '', folder], {
    env: { ...process.env, RCLONE_USER: user, RCLONE_PASS: password },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const closed = once(child, 'close');
  const { promise, resolve } = Promise.withResolvers<string>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    const url = /(http:\/\/127\.0\.0\.1:\d+\/)/.exec(line)?.[1];
    if (url !== undefined) resolve(url);
  });
  const url = await Promise.race([
    promise,
    closed.then(() => Promise.reject(new Error('the WebDAV server did not start'))),
  ]);
  return {
    url,
    user,
    password,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await closed;
    },
  };
}
