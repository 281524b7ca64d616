import type { Readable } from 'node:stream';
import type { CacheKey } from '../base/cache-key.ts';
import { digestOf } from '../base/digest.ts';
import { messageOf } from '../base/errors.ts';
import { Lanes } from '../base/lanes.ts';
import { isDamage } from '../storage/body.ts';
import { parseObjectKey } from '../storage/object-key.ts';
import { spool } from '../storage/spool.ts';
import type { ObjectStore } from '../storage/store.ts';
import { OBJECT_KEY_PREFIX } from '../wire/negotiate.ts';
import type { ArtifactBytes } from './archiver/unpack.ts';
import type { RemoteArtifact, RemoteCache } from './remote/remote-cache.ts';

/** What a cache may be used for. */
export interface CacheAccess {
  readonly read: boolean;
  readonly write: boolean;
}

export interface ArtifactCacheOptions {
  /** The local store, checked on every read. */
  readonly local: ObjectStore | undefined;
  readonly localAccess: CacheAccess;
  readonly remote: RemoteCache | undefined;
  readonly remoteAccess: CacheAccess;
  readonly onTrouble: (why: string) => void;
}

/** An artifact that was found, its digest checked. */
export interface FetchedArtifact extends ArtifactBytes {
  readonly source: 'local' | 'remote';
  /** Frees what holds the bytes. */
  dispose(): Promise<void>;
}

/** Downloads at once: enough to fill a connection, few enough that small ones are not starved. */
const DOWNLOAD_WIDTH = 10;
const UPLOAD_WIDTH = 4;
/** A local artifact up to this size is read at once; a larger one from its file, as often as needed. */
const READ_AT_ONCE_BYTES = 16 * 1024 * 1024;

/** The local cache and, behind it, the remote one. Trouble with either is a miss. */
export class ArtifactCache {
  readonly #options: ArtifactCacheOptions;
  readonly #downloads = new Lanes(DOWNLOAD_WIDTH);
  readonly #uploads = new Lanes(UPLOAD_WIDTH);
  readonly #incoming = new Map<CacheKey, Promise<FetchedArtifact | undefined>>();
  #lookup: Promise<Map<CacheKey, RemoteArtifact>> | undefined;

  constructor(options: ArtifactCacheOptions) {
    this.#options = options;
  }

  /**
   * Asks the remote, in one question, for all keys the local cache does not hold, and begins to
   * download what it has, the smallest first. Does not wait for any of it.
   */
  async prefetch(keys: readonly CacheKey[]): Promise<void> {
    const { remote, remoteAccess } = this.#options;
    if (!remote || !remoteAccess.read) return;
    const absent: CacheKey[] = [];
    for (const key of keys) if (!(await this.#hasLocally(key))) absent.push(key);
    if (absent.length === 0) return;
    this.#lookup = remote.find(absent);
    for (const key of absent) {
      const coming = this.#lookup.then((found) => {
        const artifact = found.get(key);
        return artifact && this.#downloads.run(artifact.sizeBytes, () => this.#download(key, artifact));
      });
      coming.catch(() => {}); // awaited by whoever fetches the key, if anybody does
      this.#incoming.set(key, coming);
    }
  }

  /** Where each key would be found, without fetching it. */
  async locate(keys: readonly CacheKey[]): Promise<Map<CacheKey, 'local' | 'remote'>> {
    const located = new Map<CacheKey, 'local' | 'remote'>();
    for (const key of keys) if (await this.#hasLocally(key)) located.set(key, 'local');
    const { remote, remoteAccess } = this.#options;
    if (!remote || !remoteAccess.read) return located;
    const found = await remote.find(keys.filter((key) => !located.has(key)));
    for (const key of found.keys()) located.set(key, 'remote');
    return located;
  }

  /** The artifact of a key; `undefined` is a miss. */
  async fetch(key: CacheKey): Promise<FetchedArtifact | undefined> {
    const incoming = this.#incoming.get(key);
    try {
      return (await incoming) ?? (await this.#fetchLocally(key));
    } catch (error) {
      this.#options.onTrouble(`an artifact could not be read: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** Throws a bad artifact away, so that its key can be stored anew. */
  async discard(key: CacheKey): Promise<void> {
    this.#incoming.delete(key);
    if (this.#options.localAccess.write) await this.#options.local?.delete(objectKey(key)).catch(() => {});
  }

  /**
   * Keeps an artifact locally and sends it to the remote in the background.
   * @param replace also where the local key holds one already (`--force`); the remote keeps its first
   * @returns whether it was kept anywhere, or will be
   */
  async store(key: CacheKey, task: string, body: Buffer | Readable, replace: boolean): Promise<boolean> {
    const { local, localAccess, remote, remoteAccess } = this.#options;
    const sends = remote !== undefined && remoteAccess.write && remote.isWritable;
    const keeps = local !== undefined && localAccess.write;
    if (keeps) {
      await local.put(objectKey(key), body, {
        // What may not be read must not be sent, and signed, in the place of what was made.
        ifAbsent: !replace && localAccess.read,
        contentType: 'application/zstd',
        metadata: { task: asAscii(task) },
      });
      if (sends) this.#sendFromLocal(key);
      return true;
    }
    if (!sends) return false;
    const spooled = await spool(body, {});
    this.#uploads
      .run(spooled.sizeBytes, () => remote.upload({ key, ...spooled, read: () => spooled.read() }))
      .finally(() => spooled.dispose())
      .catch((error: unknown) => this.#options.onTrouble(messageOf(error)));
    return true;
  }

  /** How many uploads are not done yet. */
  get uploading(): number {
    return this.#uploads.size;
  }

  /** Resolves when all uploads are done and all damage is reported; each has its own limit in time. */
  async settle(): Promise<void> {
    await this.#uploads.idle();
    await this.#options.remote?.settleReports();
  }

  async close(): Promise<void> {
    await this.#options.remote?.close();
    await this.#options.local?.close();
  }

  async #hasLocally(key: CacheKey): Promise<boolean> {
    const { local, localAccess } = this.#options;
    if (!local || !localAccess.read) return false;
    return (await local.head(objectKey(key)).catch(() => undefined)) !== undefined;
  }

  async #fetchLocally(key: CacheKey): Promise<FetchedArtifact | undefined> {
    const { local, localAccess } = this.#options;
    if (!local || !localAccess.read) return undefined;
    return this.#readLocal(local, key, 'local');
  }

  async #readLocal(
    local: ObjectStore,
    key: CacheKey,
    source: FetchedArtifact['source'],
  ): Promise<FetchedArtifact | undefined> {
    const got = await local.get(objectKey(key));
    if (got === undefined || got === 'unsatisfiable') return undefined;
    const { sizeBytes, digest } = got.facts;
    if (sizeBytes <= READ_AT_ONCE_BYTES) {
      const bytes = Buffer.concat(await got.body.toArray());
      return { source, sizeBytes, read: () => bytes, dispose: async () => {} };
    }
    const spooled = await spool(got.body, { sizeBytes, digest });
    return { source, sizeBytes, read: () => spooled.read(), dispose: () => spooled.dispose() };
  }

  async #download(key: CacheKey, artifact: RemoteArtifact): Promise<FetchedArtifact | undefined> {
    const { remote, local, localAccess } = this.#options;
    const body = await remote?.download(artifact);
    if (!remote || !body) return undefined;
    const { sizeBytes, digest } = artifact;
    try {
      if (local && localAccess.write) {
        // The store takes it only whole and with the right digest, and what may not be read must not be used in its place.
        await local.put(objectKey(key), body, {
          ifAbsent: localAccess.read,
          sizeBytes,
          digest,
          contentType: 'application/zstd',
        });
        return await this.#readLocal(local, key, 'remote');
      }
      const spooled = await spool(body, { sizeBytes, digest });
      return { source: 'remote', sizeBytes, read: () => spooled.read(), dispose: () => spooled.dispose() };
    } catch (error) {
      if (isDamage(error)) remote.reportDamage(key, artifact, error.message);
      else remote.reportBreak(artifact, error);
      return undefined;
    } finally {
      body.destroy();
    }
  }

  #sendFromLocal(key: CacheKey): void {
    const { remote, local, onTrouble } = this.#options;
    if (!remote || !local) return;
    this.#uploads
      .run(0, async () => {
        const got = await local.get(objectKey(key));
        if (got === undefined || got === 'unsatisfiable' || got.facts.digest === undefined) return;
        const { sizeBytes, digest } = got.facts;
        try {
          await remote.upload({ key, digest, sizeBytes, read: () => got.body });
        } finally {
          got.body.destroy();
        }
      })
      .catch((error: unknown) => onTrouble(`an upload failed: ${messageOf(error)}`));
  }
}

function objectKey(key: CacheKey) {
  return parseObjectKey(OBJECT_KEY_PREFIX + key);
}

/** Metadata is printable ASCII; a task's name need not be. */
function asAscii(text: string): string {
  return /^[ -~]*$/.test(text) ? text : digestOf(text);
}
