import type { Readable } from 'node:stream';
import type { Clock } from '../../../base/clock.ts';
import { VelocityError } from '../../../base/errors.ts';
import type { ObjectKey } from '../../object-key.ts';
import type { PutOptions } from '../../store.ts';
import { FormUpload } from './form-upload.ts';
import { isMissing } from './rclone-failure.ts';
import type { ReadyRemote } from './rclone-remote.ts';
import { modifiedAt, type RemoteRow } from './remote-row.ts';
import { isAbandoned, newUploadName, UPLOADS_FOLDER } from './upload-names.ts';

/** For rclone to end what it was sent of a body that was given up, before the connection is cut. */
const GIVE_UP_MS = 5_000;

/** A body that is stored whole, under a name that nobody reads. */
export interface HeldUpload {
  /** Gives it its name, in place of what has it. */
  moveTo(key: ObjectKey): Promise<void>;
}

/**
 * Bodies on their way. On most backends a file grows under its name, and rclone stores what it has of a body that breaks
 * off; so each is uploaded beside the objects, and moved when all of it is there and right.
 */
export class RcloneUploads {
  readonly #clock: Clock;
  /** Work that nobody waits for. */
  readonly #behind = new Set<Promise<unknown>>();
  #isSwept = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whatever `use` does not move is removed. */
  async hold<T>(
    remote: ReadyRemote,
    body: Readable | Uint8Array,
    options: PutOptions,
    use: (upload: HeldUpload) => Promise<T>,
  ): Promise<T> {
    this.#sweepOnce(remote);
    const name = newUploadName();
    const path = `${UPLOADS_FOLDER}/${name}`;
    let isMoved = false;
    try {
      await this.#upload(remote, name, body, options);
      return await use({
        async moveTo(key) {
          await move(remote, path, key);
          isMoved = true;
        },
      });
    } finally {
      if (!isMoved) this.#inBackground(remove(remote, path));
    }
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    while (this.#behind.size > 0) await Promise.all(this.#behind);
  }

  async #upload(
    remote: ReadyRemote,
    name: string,
    body: Readable | Uint8Array,
    options: PutOptions,
  ): Promise<void> {
    const { client, fs } = remote;
    const upload = new FormUpload(name, body, options, options.signal);
    const cut = new AbortController();
    let cancel = (): void => {};
    const onAbort = (): void => {
      cancel = this.#clock.after(GIVE_UP_MS, () => cut.abort(options.signal?.reason));
    };
    options.signal?.addEventListener('abort', onAbort, { once: true });
    try {
      await client.upload(fs, UPLOADS_FOLDER, upload.form, upload.boundary, cut.signal);
      await assertWhole(remote, `${UPLOADS_FOLDER}/${name}`, upload);
    } catch (error) {
      throw upload.failure ? upload.failure.error : error;
    } finally {
      cancel();
      options.signal?.removeEventListener('abort', onAbort);
      upload.form.destroy();
    }
  }

  /** Once in a server's life, and not before it writes: a store that is only read is not written to. */
  #sweepOnce(remote: ReadyRemote): void {
    if (this.#isSwept) return;
    this.#isSwept = true;
    this.#inBackground(sweep(remote, this.#clock.now()));
  }

  #inBackground(work: Promise<unknown>): void {
    const done = work.catch(() => {}).finally(() => this.#behind.delete(done));
    this.#behind.add(done);
  }
}

async function assertWhole({ client, fs }: ReadyRemote, path: string, upload: FormUpload): Promise<void> {
  if (upload.failure) throw upload.failure.error;
  const opt = { filesOnly: true, noMimeType: true, noModTime: true };
  const { item } = (await client.call('operations/stat', { fs, remote: path, opt })) as {
    readonly item: RemoteRow | null;
  };
  if (item && (item.Size < 0 || item.Size === upload.sizeBytes)) return;
  throw new VelocityError(
    'STORAGE_UNAVAILABLE',
    `The remote has ${item ? `${item.Size} bytes` : 'nothing'} of an upload of ${upload.sizeBytes}.`,
  );
}

/**
 * On the remote itself where it can move or copy; else rclone reads and writes it. Without `IgnoreTimes` rclone would
 * leave what it takes for the same where it is: on a backend that keeps no times, whatever has the same length.
 */
async function move({ client, fs }: ReadyRemote, path: string, key: ObjectKey): Promise<void> {
  const names = { srcFs: fs, srcRemote: path, dstFs: fs, dstRemote: key };
  await client.call('operations/movefile', { ...names, _config: { IgnoreTimes: true } });
}

async function remove({ client, fs }: Pick<ReadyRemote, 'client' | 'fs'>, path: string): Promise<void> {
  await client.call('operations/deletefile', { fs, remote: path });
}

async function sweep({ client, fs }: ReadyRemote, now: number): Promise<void> {
  const opt = { noMimeType: true, filesOnly: true };
  const rows = await client.call('operations/list', { fs, remote: UPLOADS_FOLDER, opt }).catch((error) => {
    if (isMissing(error)) return { list: [] };
    throw error;
  });
  for (const item of (rows as { readonly list: readonly RemoteRow[] | null }).list ?? []) {
    if (isAbandoned(item.Name, modifiedAt(item), now))
      await remove({ client, fs }, `${UPLOADS_FOLDER}/${item.Name}`);
  }
}
