import { randomBytes } from 'node:crypto';
import { VelocityError } from '../../../base/errors.ts';
import type { Secret } from '../../../base/secret.ts';
import type { RcloneClient } from './rclone-client.ts';
import type { RcloneDaemon } from './rclone-daemon.ts';
import { RcloneRefusal, toFailure } from './rclone-failure.ts';
import type { RcloneProcess } from './rclone-process.ts';

export interface RcloneRemoteOptions {
  /** A type of backend, such as `s3`; or the name of a remote, where rclone has a file that names them. */
  readonly remote: string;
  readonly isNamed: boolean;
  /** Below the remote: `bucket/folder`. */
  readonly path: string;
  /** The backend's options in plain text, passwords too. */
  readonly options: Readonly<Record<string, Secret>>;
}

/** What a backend can do, as far as it matters here. */
export interface RcloneFeatures {
  /** Folders are parts of names alone; what is missing is then the bucket. */
  readonly isBucketBased: boolean;
  /** It keeps the types of objects; for others rclone guesses from the name. */
  readonly keepsTypes: boolean;
  /** What it has hashes of without reading the object. */
  readonly hash: string | undefined;
}

/** A remote in a process that is told of it when it starts. */
export interface ReadyRemote {
  readonly client: RcloneClient;
  /** How the process calls the remote, with its path: `velocity-1f0c:bucket/folder`. */
  readonly fs: string;
  readonly features: RcloneFeatures;
}

/**
 * One remote of the shared process. Its options are told in the body of a request, never on a command line, and rclone
 * keeps them in memory.
 */
export class RcloneRemote {
  readonly #daemon: RcloneDaemon;
  readonly #options: RcloneRemoteOptions;
  readonly #name: string;
  readonly #created = new WeakMap<RcloneProcess, Promise<void>>();
  readonly #ready = new WeakMap<RcloneProcess, Promise<ReadyRemote>>();

  constructor(daemon: RcloneDaemon, options: RcloneRemoteOptions) {
    this.#daemon = daemon;
    this.#options = options;
    this.#name = options.isNamed ? options.remote : `velocity-${randomBytes(8).toString('hex')}`;
  }

  /** Starts the process where it does not run, and tells it of the remote; the remote itself is asked nothing. */
  async start(): Promise<void> {
    await this.#createIn(await this.#daemon.running());
  }

  async ready(): Promise<ReadyRemote> {
    const process = await this.#daemon.running();
    return once(this.#ready, process, async () => {
      await this.#createIn(process);
      const fs = `${this.#name}:${this.#options.path}`;
      return { client: process.client, fs, features: await featuresOf(process.client, fs) };
    });
  }

  /** What must not be in a text that is logged. */
  get secrets(): string[] {
    return Object.values(this.#options.options).map((option) => option.reveal());
  }

  close(): Promise<void> {
    return this.#daemon.release();
  }

  #createIn(process: RcloneProcess): Promise<void> {
    return once(this.#created, process, () => this.#create(process));
  }

  async #create({ client }: RcloneProcess): Promise<void> {
    const { remote, isNamed, options } = this.#options;
    if (isNamed) return;
    const parameters = Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name, value.reveal()]),
    );
    // Else rclone would ask for what is missing, and wait for a browser.
    const opt = { nonInteractive: true, obscure: true };
    try {
      await client.call('config/create', { name: this.#name, type: remote, parameters, opt });
    } catch (error) {
      if (error instanceof RcloneRefusal && /find backend/i.test(error.message)) {
        throw new VelocityError(
          'DRIVER_UNAVAILABLE',
          `This rclone has no backend "${remote}": "rclone help backends" lists those it has.`,
        );
      }
      throw toFailure('tell rclone of the remote', error, this.secrets);
    }
  }
}

/** The work once for each process; what failed is tried again by the next who asks. */
async function once<T>(
  done: WeakMap<RcloneProcess, Promise<T>>,
  process: RcloneProcess,
  work: () => Promise<T>,
): Promise<T> {
  const begun = done.get(process) ?? work();
  done.set(process, begun);
  try {
    return await begun;
  } catch (error) {
    done.delete(process);
    throw error;
  }
}

/** https://rclone.org/rc/#operations-fsinfo */
interface FsInfo {
  readonly Features: Readonly<Record<string, boolean>>;
  readonly Hashes: readonly string[] | null;
}

async function featuresOf(client: RcloneClient, fs: string): Promise<RcloneFeatures> {
  const { Features, Hashes } = (await client.call('operations/fsinfo', { fs })) as FsInfo;
  return {
    isBucketBased: Features['BucketBased'] === true,
    keepsTypes: Features['ReadMimeType'] === true,
    hash: Features['SlowHash'] === true ? undefined : Hashes?.[0],
  };
}
