import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { OpenedAdminSocket } from '../../../test/rig/opened-admin-socket.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { findSocket } from './find-socket.ts';

/** A socket at which nobody listens, as a killed process leaves it. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.first`);
  await once(server, 'listening');
  await rename(`${path}.first`, path);
  server.close();
}

describe('the socket to ask', () => {
  test('is the given one, from the working folder', async () => {
    const io = new CapturedIo({ cwd: '/srv' });
    assert.equal(await findSocket('a.sock', io), '/srv/a.sock');
    assert.equal(await findSocket('/run/b.sock', io), '/run/b.sock');
  });

  test('is the only one at which a proxy answers', async () => {
    await using opened = await OpenedAdminSocket.open({ name: 'velocity-8080.sock' });
    const { path } = opened.folder;
    await leaveSocket(join(path, 'velocity-8081.sock'));
    const io = new CapturedIo({ env: { XDG_RUNTIME_DIR: path, TMPDIR: path } });
    assert.equal(await findSocket(undefined, io), opened.path);
  });

  test('is found where a proxy makes it without settings, with a runtime folder or without', async () => {
    await using folder = await openTempFolder();
    const temp = { TMPDIR: folder.path };
    const runtime = join(folder.path, 'run');
    await mkdir(runtime);
    for (const [server, client] of [
      [temp, temp],
      [
        { ...temp, XDG_RUNTIME_DIR: runtime },
        { ...temp, XDG_RUNTIME_DIR: runtime },
      ],
      [temp, { ...temp, XDG_RUNTIME_DIR: runtime }], // a service, and its operator's session
    ] as const) {
      await using opened = await OpenedAdminSocket.open({ env: server });
      assert.equal(await findSocket(undefined, new CapturedIo({ env: client })), opened.path);
    }
  });

  test('has to be named where several answer', async () => {
    await using first = await OpenedAdminSocket.open({ name: 'velocity-1.sock' });
    await using second = await OpenedAdminSocket.open({ name: 'velocity-2.sock', beside: first });
    const { path } = first.folder;
    const io = new CapturedIo({ env: { XDG_RUNTIME_DIR: path, TMPDIR: path } });
    const listed = `\n  ${first.path}\n  ${second.path}`;
    await assert.rejects(
      findSocket(undefined, io),
      (error: Error & { code?: string }) => error.code === 'USAGE' && error.message.endsWith(listed),
    );
  });

  test('is told to be missing, and where it was looked for', async () => {
    await using folder = await openTempFolder();
    const { path } = folder;
    const io = new CapturedIo({ env: { XDG_RUNTIME_DIR: path, TMPDIR: path } });
    await assert.rejects(findSocket(undefined, io), {
      code: 'PROXY_UNREACHABLE',
      message: new RegExp(`in ${path} or ${path}/velocity-\\d+\\.`),
    });
  });
});
