import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '../../../base/clock.ts';
import { VelocityError } from '../../../base/errors.ts';
import { didYouMean } from '../../../base/suggest.ts';
import type { Bucket } from '../../../buckets/bucket.ts';
import { type FilePath, isWithin, parentOf, ROOT } from '../../../files/file-path.ts';
import { parseObjectKey } from '../../../storage/object-key.ts';
import type { Logger } from '../../../telemetry/logger.ts';
import type { Mount, MountedPath, MountTerms } from './mount.ts';
import { type KeptMount, readMounts, writeMounts } from './mount-file.ts';

/** One of `files.mounts`; its id is its name there. */
export interface ConfiguredMount extends Omit<MountTerms, 'label'> {
  readonly name: string;
}

export interface MountTableOptions {
  readonly configured: readonly ConfiguredMount[];
  readonly buckets: ReadonlyMap<string, Bucket>;
  /** Where mounts of the API are written down; it is there. */
  readonly stateFolder: string;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** A folder that is there because a mount is, or lies below it. */
export interface MountName {
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly modifiedAt: number;
}

const FILE = 'mounts.json';
/** All are looked through for each request. */
const MAX_MOUNTS = 1000;

/** Which folders of the files' namespace are mounts. Of two that hold a path, the longer one has it. */
export class MountTable {
  readonly #buckets: ReadonlyMap<string, Bucket>;
  readonly #file: string;
  readonly #clock: Clock;
  /** By path. */
  #mounts: ReadonlyMap<FilePath, Mount>;
  /** Written down, and not in effect: the configuration has a mount in their place. */
  readonly #overruled: readonly KeptMount[];
  /** Changes come one after the other. */
  #changing: Promise<unknown> = Promise.resolve();

  private constructor(
    { buckets, stateFolder, clock }: MountTableOptions,
    mounts: readonly Mount[],
    overruled: readonly KeptMount[],
  ) {
    [this.#buckets, this.#clock, this.#overruled] = [buckets, clock, overruled];
    this.#file = join(stateFolder, FILE);
    this.#mounts = byPath(mounts);
  }

  /** @throws VelocityError `STORAGE_*` where the file of mounts cannot be used */
  static async open(options: MountTableOptions): Promise<MountTable> {
    const { configured, buckets, stateFolder, logger, clock } = options;
    const given = configured.map(
      ({ name, ...terms }): Mount => ({
        ...{ id: name, ...terms, label: undefined, source: 'configuration', madeAt: clock.now() },
        bucket: buckets.get(terms.store),
      }),
    );
    const paths = byPath(given);
    const kept = await readMounts(join(stateFolder, FILE));
    const overruled = kept.filter(({ path }) => paths.has(path));
    for (const { id, path } of overruled)
      logger.warn({ mount: id, path }, 'a mount is not in effect: the configuration has one at its path');
    const made = kept
      .filter(({ path }) => !paths.has(path))
      .map((each): Mount => ({ ...each, source: 'api', bucket: buckets.get(each.store) }));
    for (const { id, path, store, bucket } of made)
      if (!bucket)
        logger.warn({ mount: id, path, store }, 'a mount has no store: none is configured by its name');
    return new MountTable(options, [...given, ...made], overruled);
  }

  /** In the order of their paths. */
  all(): readonly Mount[] {
    return [...this.#mounts.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  get(id: string): Mount | undefined {
    return this.all().find((mount) => mount.id === id);
  }

  /**
   * The mount that a path lies on, or is; `undefined`: none.
   * @throws VelocityError `INVALID_KEY` for what is too long for a key there
   */
  mountAt(path: FilePath): MountedPath | undefined {
    for (let folder = path; folder !== ROOT; folder = parentOf(folder)) {
      const mount = this.#mounts.get(folder);
      if (!mount) continue;
      const rest = path.slice(folder.length + 1);
      return { path, mount, key: rest === '' ? undefined : parseObjectKey(mount.prefix + rest) };
    }
    return undefined;
  }

  /** What mounts let be seen in a folder: each that is in it, or the folder on the way to it. */
  mountsBelow(folder: FilePath): readonly MountName[] {
    if (this.#mounts.size === 0) return [];
    const names = new Map<string, number>();
    for (const { path, madeAt } of this.#mounts.values()) {
      if (path === folder || !isWithin(path, folder)) continue;
      const [name = ''] = path.slice(folder === ROOT ? 0 : folder.length + 1).split('/', 1);
      names.set(name, Math.max(madeAt, names.get(name) ?? 0));
    }
    return Array.from(names, ([name, modifiedAt]) => ({ name, modifiedAt }));
  }

  /** @throws VelocityError `BAD_REQUEST`, `PATH_CONFLICT`, `STORAGE_*` */
  add(terms: MountTerms): Promise<Mount> {
    return this.#change(async () => {
      if (this.#mounts.size >= MAX_MOUNTS)
        throw new VelocityError(
          'BAD_REQUEST',
          `There are ${MAX_MOUNTS} mounts, which is the most there can be.`,
        );
      const mount = this.#mountOf(terms, { id: randomUUID(), madeAt: this.#clock.now() });
      await this.#save([...this.#mounts.values(), mount]);
      return mount;
    });
  }

  /** @throws VelocityError `NOT_FOUND`, `BAD_REQUEST`, `PATH_CONFLICT`, `STORAGE_*` */
  change(id: string, changes: Partial<MountTerms>): Promise<Mount> {
    return this.#change(async () => {
      const before = this.#ofApi(id);
      const others = [...this.#mounts.values()].filter((mount) => mount !== before);
      const mount = this.#mountOf({ ...before, ...changes }, before);
      await this.#save([...others, mount]);
      return mount;
    });
  }

  /** What lies in the store stays there. @throws VelocityError `NOT_FOUND`, `PATH_CONFLICT`, `STORAGE_*` */
  remove(id: string): Promise<void> {
    return this.#change(async () => {
      const mount = this.#ofApi(id);
      await this.#save([...this.#mounts.values()].filter((each) => each !== mount));
    });
  }

  #mountOf({ path, store, prefix, label }: MountTerms, { id, madeAt }: Pick<Mount, 'id' | 'madeAt'>): Mount {
    const bucket = this.#buckets.get(store);
    if (!bucket) throw noStore(store, [...this.#buckets.keys()]);
    const there = this.#mounts.get(path);
    if (there && there.id !== id)
      throw new VelocityError('PATH_CONFLICT', `There is a mount at ${path} already: ${there.id}.`, {
        field: 'path',
      });
    return { id, path, store, prefix, label, madeAt, bucket, source: 'api' };
  }

  #ofApi(id: string): Mount {
    const mount = this.get(id);
    if (!mount) throw new VelocityError('NOT_FOUND', 'There is no such mount.');
    if (mount.source === 'api') return mount;
    throw new VelocityError(
      'PATH_CONFLICT',
      `The mount ${id} is one of the configuration, files.mounts; it is changed there.`,
    );
  }

  #change<T>(work: () => Promise<T>): Promise<T> {
    const changed = this.#changing.then(work, work);
    this.#changing = changed.catch(() => {}); // whoever asked is told
    return changed;
  }

  /** In effect once it is written down. */
  async #save(mounts: readonly Mount[]): Promise<void> {
    const made = mounts.filter(({ source }) => source === 'api');
    await writeMounts(this.#file, [...made, ...this.#overruled]);
    this.#mounts = byPath(mounts);
  }
}

function byPath(mounts: readonly Mount[]): ReadonlyMap<FilePath, Mount> {
  return new Map(mounts.map((mount) => [mount.path, mount]));
}

function noStore(store: string, known: readonly string[]): VelocityError {
  const others = known.length === 0 ? 'none is configured' : `there are ${known.join(', ')}`;
  return new VelocityError(
    'BAD_REQUEST',
    `There is no store "${store}"${didYouMean(store, known)}; ${others}.`,
    {
      field: 'store',
    },
  );
}
