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

/** A store over another one that changes nothing; a wrapper overrides the calls it has a say in. */
export abstract class WrappedStore implements ObjectStore {
  readonly driver: string;
  readonly capabilities: StoreCapabilities;
  protected readonly below: ObjectStore;

  constructor(below: ObjectStore) {
    this.driver = below.driver;
    this.capabilities = below.capabilities;
    this.below = below;
  }

  head(key: ObjectKey, signal?: AbortSignal): Promise<ObjectFacts | undefined> {
    return this.below.head(key, signal);
  }

  get(key: ObjectKey, range?: ByteRange, signal?: AbortSignal): Promise<Got> {
    return this.below.get(key, range, signal);
  }

  put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    return this.below.put(key, body, options);
  }

  delete(key: ObjectKey, signal?: AbortSignal): Promise<void> {
    return this.below.delete(key, signal);
  }

  list(options: ListOptions): AsyncIterable<ListedObject> {
    return this.below.list(options);
  }

  presign(key: ObjectKey, request: PresignRequest): Promise<PresignedRequest | undefined> {
    return this.below.presign(key, request);
  }

  probe(signal?: AbortSignal): Promise<void> {
    return this.below.probe(signal);
  }

  close(): Promise<void> {
    return this.below.close();
  }
}
