import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { messageOf, VelocityError } from '../base/errors.ts';
import { type ObjectKey, parseObjectKey } from './object-key.ts';
import type {
  ObjectStore,
  PresignedRequest,
  PresignRequest,
  PutOptions,
  PutOutcome,
  StoreCapabilities,
} from './store.ts';
import { WrappedStore } from './wrapped-store.ts';

/** How a backend takes a write that is to be the first: as asked, as any other, or not at all. */
export type FirstWrites = 'kept' | 'ignored' | 'refused';

/**
 * Tries whether the backend decides first writes, on a key of its own below `velocity-probe/` that is removed
 * again. Some servers that speak S3 ignore `If-None-Match` and overwrite, some answer 501.
 * @throws VelocityError `STORAGE_*` where it cannot be written at all
 */
export async function tryFirstWrites(store: ObjectStore): Promise<FirstWrites> {
  const key = parseObjectKey(`velocity-probe/${randomBytes(16).toString('hex')}`);
  const first = Buffer.from('first');
  try {
    const outcome = await putOrRefusal(store, key, first);
    if (outcome === 'refused') return 'refused';
    const second = await store.put(key, Buffer.from('second'), { ifAbsent: true });
    return second === 'exists' && (await reads(store, key)) === 'first' ? 'kept' : 'ignored';
  } finally {
    await store.delete(key).catch(() => {}); // a lifecycle rule will; it holds nothing
  }
}

/** A refusal of the condition, told from one of every write by writing without it. */
async function putOrRefusal(
  store: ObjectStore,
  key: ObjectKey,
  bytes: Buffer,
): Promise<PutOutcome | 'refused'> {
  try {
    return await store.put(key, bytes, { ifAbsent: true });
  } catch (error) {
    if (!(error instanceof VelocityError) || !error.code.startsWith('STORAGE_')) throw error;
    await store.put(key, bytes, { ifAbsent: false }).catch(() => {
      throw error;
    });
    return 'refused';
  }
}

async function reads(store: ObjectStore, key: ObjectKey): Promise<string | undefined> {
  const got = await store.get(key);
  return got === undefined || got === 'unsatisfiable' ? undefined : (await buffer(got.body)).toString();
}

/**
 * The store, held to deciding first writes; where it cannot and that is accepted, as well as it can be done.
 * @throws VelocityError `DRIVER_UNAVAILABLE`, with what may be done about it
 */
export async function withFirstWrites(
  store: ObjectStore,
  { allowRace, warn }: { readonly allowRace: boolean; readonly warn: (message: string) => void },
): Promise<ObjectStore> {
  const firstWrites = await tryFirstWrites(store).catch((error: unknown) => {
    throw error instanceof VelocityError
      ? new VelocityError(error.code, `The storage cannot be written: ${messageOf(error)}`, { cause: error })
      : error;
  });
  if (firstWrites === 'kept') return store;
  const what =
    firstWrites === 'ignored'
      ? 'overwrites an object although only a first write was asked for'
      : 'refuses writes that are to be the first';
  if (!allowRace) {
    throw new VelocityError(
      'DRIVER_UNAVAILABLE',
      `The ${store.driver} storage ${what}, so two builds could replace each other’s artifacts. Use a storage with conditional writes (S3 has them since 2024), or accept the risk with VC_ALLOW_OVERWRITE_RACE=true.`,
    );
  }
  warn(`the ${store.driver} storage ${what}: of two uploads at once the later one may win`);
  return new LookFirstStore(store);
}

/** First writes by looking first, for backends that cannot decide them: two at once may both be stored. */
class LookFirstStore extends WrappedStore {
  override readonly capabilities: StoreCapabilities = { ...this.below.capabilities, conditionalPut: false };

  override async put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    if (options.ifAbsent && (await super.head(key, options.signal))) return 'exists';
    return super.put(key, body, { ...options, ifAbsent: false });
  }

  override presign(key: ObjectKey, request: PresignRequest): Promise<PresignedRequest | undefined> {
    return super.presign(key, { ...request, ifAbsent: false });
  }
}
