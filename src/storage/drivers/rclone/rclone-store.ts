import { access } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { ByteRange } from '../../../base/byte-range.ts';
import { type Clock, systemClock } from '../../../base/clock.ts';
import { VelocityError } from '../../../base/errors.ts';
import type { Secret } from '../../../base/secret.ts';
import type { ObjectKey } from '../../object-key.ts';
import type {
  Got,
  ListedObject,
  ListOptions,
  ObjectFacts,
  ObjectStore,
  PutOptions,
  PutOutcome,
} from '../../store.ts';
import { KeyTurns } from './key-turns.ts';
import { RcloneDaemon } from './rclone-daemon.ts';
import { isMissing, toFailure } from './rclone-failure.ts';
import { RcloneRemote, type ReadyRemote } from './rclone-remote.ts';
import { RcloneUploads } from './rclone-uploads.ts';
import { LISTED, listFolder, look, readOnce } from './read-remote.ts';
import type { RemoteRow } from './remote-row.ts';
import { isReserved, UPLOADS_FOLDER } from './upload-names.ts';
import { walkRemote } from './walk-remote.ts';

export interface RcloneStoreOptions {
  /** A type of backend (`rclone help backends`), or with a configuration file the name of a remote in it. */
  readonly remote: string;
  readonly path?: string | undefined;
  /** The backend's options in plain text, passwords too; none beside a configuration file. */
  readonly options?: Readonly<Record<string, Secret>> | undefined;
  readonly configFile?: string | undefined;
  readonly program?: string | undefined;
  readonly clock?: Clock;
}

/** An object that is replaced between the look at it and its reading is looked at again. */
const READ_ATTEMPTS = 3;

/**
 * What rclone reaches, some sixty kinds of storage, through one process of it (`rclone rcd`) that all these stores of a
 * server share. Only bytes are kept: types of content, fields, metadata and digests are not.
 */
export class RcloneStore implements ObjectStore {
  readonly driver = 'rclone';
  readonly capabilities = { conditionalPut: false, presign: 'none' } as const;
  readonly #remote: RcloneRemote;
  readonly #uploads: RcloneUploads;
  /** Of two writers here at once the first one wins, though the backend does not decide it. */
  readonly #writes = new KeyTurns();

  private constructor(remote: RcloneRemote, clock: Clock) {
    this.#remote = remote;
    this.#uploads = new RcloneUploads(clock);
  }

  /**
   * Starts rclone, or joins the one that runs. Nothing is sent to the remote.
   * @throws VelocityError `DRIVER_UNAVAILABLE` where rclone cannot be run or has no such backend
   */
  static async open(options: RcloneStoreOptions): Promise<RcloneStore> {
    const {
      remote,
      path = '',
      options: set = {},
      configFile,
      program = 'rclone',
      clock = systemClock,
    } = options;
    if (configFile !== undefined) await assertReadable(configFile);
    const daemon = RcloneDaemon.of({ program, configFile }, clock);
    const isNamed = configFile !== undefined;
    const opened = new RcloneRemote(daemon, { remote, isNamed, path, options: set });
    try {
      await opened.start();
    } catch (error) {
      // Whatever passes, as one that did not come up in time, the requests tell, until it has passed.
      if (!(error instanceof VelocityError) || error.code === 'DRIVER_UNAVAILABLE') {
        await opened.close();
        throw error;
      }
    }
    return new RcloneStore(opened, clock);
  }

  head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    return this.#doing(`look at ${key}`, (remote) => look(remote, key, signal));
  }

  get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    return this.#doing(`read ${key}`, async (remote) => {
      for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
        const got = await readOnce(remote, key, range, signal);
        if (got !== 'replaced') return got;
      }
      throw new VelocityError(
        'STORAGE_UNAVAILABLE',
        `Could not read ${key}: it is replaced again and again.`,
      );
    });
  }

  put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    const { ifAbsent, signal } = options;
    return this.#doing(`store ${key}`, async (remote) => {
      if (isReserved(key)) {
        const what = `The key cannot be used: ${UPLOADS_FOLDER} is the store's own.`;
        throw new VelocityError('INVALID_KEY', what, { field: 'key' });
      }
      if (ifAbsent && (await look(remote, key, signal))) return 'exists';
      return this.#uploads.hold(remote, body, options, (upload) =>
        this.#writes.run(key, async () => {
          signal?.throwIfAborted();
          if (ifAbsent && (await look(remote, key, signal))) return 'exists';
          await upload.moveTo(key);
          return 'stored';
        }),
      );
    });
  }

  delete(key: ObjectKey, signal?: AbortSignal): Promise<void> {
    return this.#doing(`delete ${key}`, async (remote) => {
      if (!(await look(remote, key, signal))) return;
      const { client, fs } = remote;
      await client.call('operations/deletefile', { fs, remote: key }, signal).catch((error: unknown) => {
        if (!isMissing(error)) throw error;
      });
    });
  }

  async *list(options: ListOptions): AsyncIterable<ListedObject> {
    if (options.prefix.startsWith(`${UPLOADS_FOLDER}/`)) return;
    const rowsOf = (folder: string): Promise<readonly RemoteRow[]> =>
      this.#doing(`list "${folder}"`, (remote) => listFolder(remote, folder));
    yield* walkRemote(rowsOf, options);
  }

  async presign(): Promise<undefined> {
    return undefined;
  }

  /**
   * Lists a folder that nobody makes, which needs the credentials and costs nothing. A folder that the store itself is
   * may be missing: the first write makes it. A bucket may not.
   */
  async probe(signal?: AbortSignal): Promise<void> {
    await this.#doing('use the remote', async (remote) => {
      const { client, fs, features } = remote;
      try {
        await client.call('operations/list', { fs, remote: 'velocity-probe', opt: LISTED }, signal);
      } catch (error) {
        if (!isMissing(error)) throw error;
        if (features.isBucketBased)
          throw new VelocityError('STORAGE_UNAVAILABLE', 'The bucket of the remote does not exist.', {
            cause: error,
          });
      }
    });
  }

  async close(): Promise<void> {
    await this.#uploads.idle();
    await this.#remote.close();
  }

  async #doing<T>(doing: string, work: (remote: ReadyRemote) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#remote.ready());
    } catch (error) {
      throw toFailure(doing, error, this.#remote.secrets);
    }
  }
}

async function assertReadable(configFile: string): Promise<void> {
  await access(configFile).catch((error: unknown) => {
    const what = `The configuration file of rclone, ${configFile}, cannot be read.`;
    throw new VelocityError('DRIVER_UNAVAILABLE', what, { cause: error });
  });
}
