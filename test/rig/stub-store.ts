import type { Readable } from 'node:stream';
import type { ObjectKey } from '../../src/storage/object-key.ts';
import type {
  Got,
  ListedObject,
  ObjectFacts,
  ObjectStore,
  PresignedRequest,
  PutOptions,
  PutOutcome,
} from '../../src/storage/store.ts';

/** A backend that answers what the test lays down, for what no real one can be brought to do. */
export class StubStore implements ObjectStore {
  readonly driver = 'stub';
  readonly capabilities = { conditionalPut: true, presign: 'exact' } as const;
  readonly deleted: ObjectKey[] = [];
  /** What every call but `list` and `close` fails with. */
  failure: Error | undefined;
  facts: ObjectFacts | undefined;
  got: Got;
  outcome: PutOutcome = 'stored';
  #heldDelete: Promise<void> | undefined;
  /** Called while each call is under way. */
  during: () => void = () => {};

  async head(): Promise<ObjectFacts | undefined> {
    this.#answer();
    return this.facts;
  }

  async get(): Promise<Got> {
    this.#answer();
    return this.got;
  }

  async put(_key: ObjectKey, _body: Readable | Uint8Array, _options: PutOptions): Promise<PutOutcome> {
    this.#answer();
    return this.outcome;
  }

  async delete(key: ObjectKey): Promise<void> {
    this.#answer();
    if (this.#heldDelete) await this.#heldDelete;
    this.deleted.push(key);
  }

  /** Lets no delete end before the test resolves this. */
  holdDelete(): PromiseWithResolvers<void> {
    const held = Promise.withResolvers<void>();
    this.#heldDelete = held.promise;
    return held;
  }

  async *list(): AsyncIterable<ListedObject> {}

  async presign(): Promise<PresignedRequest | undefined> {
    this.#answer();
    return undefined;
  }

  async probe(): Promise<void> {
    this.#answer();
  }

  async close(): Promise<void> {}

  #answer(): void {
    this.during();
    if (this.failure) throw this.failure;
  }
}
