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
    this.deleted.push(key);
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
