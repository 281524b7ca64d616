import { RcloneStore } from '../../src/storage/drivers/rclone/rclone-store.ts';
import { ensureDebian } from '../rig/debian.ts';
import { RCLONE_NEED } from '../rig/rclone.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { describeObjectStore } from './object-store.ts';

const ready = await ensureDebian(RCLONE_NEED);

describeObjectStore(
  'rclone over a folder',
  async () => {
    const folder = await openTempFolder();
    const store = await RcloneStore.open({ remote: 'local', path: folder.path });
    return {
      store,
      async [Symbol.asyncDispose]() {
        await store.close();
        await folder[Symbol.asyncDispose]();
      },
    };
  },
  {
    skip: ready === 'ready' ? undefined : ready.skip,
    raceRounds: 3,
    presign: 'none',
    keeps: 'bytes',
    isFileSystem: true,
  },
);
