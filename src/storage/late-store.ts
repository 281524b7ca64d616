import type { Readable } from 'node:stream';
import type { ByteRange } from '../base/byte-range.ts';
import type { ObjectKey } from './object-key.ts';
import type {
  Got,
  ListedObject,
  ListOptions,
  ObjectFacts,
  ObjectStore,
  PresignedRequest,
  PresignRequest,
  PutOptions,
  PutOutcome,
  StoreCapabilities,
} from './store.ts';

/**
 * A store that its first call opens, and where that fails the next one again: for a driver that cannot be made while
 * its backend is away.
 */
export class LateStore implements ObjectStore {
  readonly driver: string;
  readonly capabilities: StoreCapabilities;
  readonly #open: () => Promise<ObjectStore>;
  #opened: Promise<ObjectStore> | undefined;

  /** `open` throws what each call is to fail with. */
  constructor(
    { driver, capabilities }: Pick<ObjectStore, 'driver' | 'capabilities'>,
    open: () => Promise<ObjectStore>,
  ) {
    this.driver = driver;
    this.capabilities = capabilities;
    this.#open = open;
  }

  async head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    return (await this.#store()).head(key, signal);
  }

  async get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    return (await this.#store()).get(key, range, signal);
  }

  async put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    return (await this.#store()).put(key, body, options);
  }

  async delete(key: ObjectKey, signal?: AbortSignal): Promise<void> {
    return (await this.#store()).delete(key, signal);
  }

  async *list(options: ListOptions): AsyncIterable<ListedObject> {
    yield* (await this.#store()).list(options);
  }

  async presign(key: ObjectKey, request: PresignRequest): Promise<PresignedRequest | undefined> {
    return (await this.#store()).presign(key, request);
  }

  async probe(signal?: AbortSignal): Promise<void> {
    return (await this.#store()).probe(signal);
  }

  /** What was never opened has nothing to free. */
  async close(): Promise<void> {
    const store = await this.#opened?.catch(() => undefined);
    await store?.close();
  }

  #store(): Promise<ObjectStore> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }
}
