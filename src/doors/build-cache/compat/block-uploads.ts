import { Readable, Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import type { UploadPlace } from '../../../auth/upload-url.ts';
import { type Digest, DigestMeter, digestOf } from '../../../base/digest.ts';
import { VelocityError } from '../../../base/errors.ts';
import { inParallel } from '../../../base/in-parallel.ts';
import { pipeInto } from '../../../base/pipe-into.ts';
import type { ObjectKey } from '../../../storage/object-key.ts';
import type { ObjectStore } from '../../../storage/store.ts';
import { uploadsKey } from '../scoped-key.ts';

/** A body that came whole is an upload of one block; no client can name a block so. */
export const WHOLE = '';

interface Block {
  readonly key: ObjectKey;
  readonly sizeBytes: number;
  readonly digest: Digest;
}

/** What the parts of an upload are, in order: enough to put them together. */
export interface BlockList {
  readonly sizeBytes: number;
  readonly blocks: readonly Block[];
}

/** A list that was kept, so that any server can take up the upload. */
export interface KeptList extends BlockList {
  readonly key: ObjectKey;
  /** Of the upload. */
  readonly id: string;
}

const LOOKUPS_AT_ONCE = 32;
/** Of one entry: as many as jobs that store the same at the same time. */
const MAX_LISTS = 100;

/**
 * Uploads that come in parts, in any order and to any server: all that is known of one lies in the store, below its
 * place, until an entry is made of it or it is swept up as abandoned.
 *
 *     uploads/<tenant>/<scope>/<entry>/blocks/<upload>/<SHA-256 of the block's id>
 *     uploads/<tenant>/<scope>/<entry>/lists/<upload>-<SHA-256 of the list>
 *
 * Nothing is written twice: a block that comes again must be the same, so no list comes to mean other bytes.
 */
export class BlockUploads {
  readonly #store: ObjectStore;
  readonly #maxBytes: number;

  /** @param maxBytes of a whole upload */
  constructor(store: ObjectStore, maxBytes: number) {
    this.#store = store;
    this.#maxBytes = maxBytes;
  }

  /** @throws VelocityError `BAD_REQUEST` where another block has this id; `BODY_*`, `STORAGE_*` */
  async stage(place: UploadPlace, blockId: string, body: Readable, sizeBytes?: number): Promise<void> {
    const meter = new DigestMeter();
    const metered = new Transform({
      transform(chunk: Uint8Array, _encoding, done) {
        meter.update(chunk);
        done(null, chunk);
      },
    });
    const key = blockKey(place, blockId);
    const outcome = await this.#store.put(key, pipeInto(body, metered), { ifAbsent: true, sizeBytes });
    if (outcome === 'stored') return;
    await finished(metered.resume()); // a store need not read what it does not take
    const there = await this.#store.head(key);
    if (there?.digest !== meter.digest())
      throw new VelocityError('BAD_REQUEST', 'Another block of this upload has the same id.', {
        field: 'blockid',
      });
  }

  /** @throws VelocityError `BAD_REQUEST` where a block is missing, `BODY_TOO_LARGE` */
  async list(place: UploadPlace, blockIds: readonly string[]): Promise<BlockList> {
    const blocks = await inParallel(blockIds, LOOKUPS_AT_ONCE, async (id): Promise<Block> => {
      const key = blockKey(place, id);
      const facts = await this.#store.head(key);
      if (facts?.digest === undefined)
        throw new VelocityError('BAD_REQUEST', `The block ${id} was not sent.`, { field: 'body' });
      return { key, sizeBytes: facts.sizeBytes, digest: facts.digest };
    });
    const sizeBytes = blocks.reduce((sum, block) => sum + block.sizeBytes, 0);
    if (sizeBytes > this.#maxBytes)
      throw new VelocityError(
        'BODY_TOO_LARGE',
        `The blocks have ${sizeBytes} bytes; the limit is ${this.#maxBytes}.`,
      );
    return { sizeBytes, blocks };
  }

  /** Keeps a list for whoever makes an entry of it. */
  async keep(place: UploadPlace, list: BlockList): Promise<void> {
    const json = Buffer.from(JSON.stringify(list));
    const key = uploadsKey(place.tenant, place.scope, `${listsOf(place.entry)}${place.id}-${digestOf(json)}`);
    await this.#store.put(key, json, { ifAbsent: true, sizeBytes: json.length });
  }

  /** An upload for this entry that is complete and has so many bytes. All that are equal that far are equally good. */
  async find(
    { tenant, scope, entry }: Omit<UploadPlace, 'id'>,
    sizeBytes: number,
  ): Promise<KeptList | undefined> {
    const prefix = uploadsKey(tenant, scope, listsOf(entry).slice(0, -1));
    let looked = 0;
    for await (const { key } of this.#store.list({ prefix: `${prefix}/` })) {
      if (looked++ === MAX_LISTS) return undefined;
      const got = await this.#store.get(key);
      if (!got || got === 'unsatisfiable') continue;
      const list = JSON.parse((await buffer(got.body)).toString('utf8')) as BlockList;
      const [id = ''] = key.slice(prefix.length + 1).split('-', 1);
      if (list.sizeBytes === sizeBytes) return { key, id, ...list };
    }
    return undefined;
  }

  /**
   * The blocks one after the other, each held against the digest of the list; memory holds no more than a piece.
   * Fails with `DIGEST_MISMATCH` where one is gone or damaged.
   */
  open({ blocks }: BlockList): Readable {
    return Readable.from(this.#bytesOf(blocks), { objectMode: false });
  }

  async *#bytesOf(blocks: readonly Block[]): AsyncIterable<Uint8Array> {
    for (const { key, digest } of blocks) {
      const got = await this.#store.get(key);
      // The store holds what it gives against the digest that it tells of.
      if (!got || got === 'unsatisfiable' || got.facts.digest !== digest) {
        if (got && got !== 'unsatisfiable') got.body.destroy();
        throw new VelocityError('DIGEST_MISMATCH', 'A block of the upload is gone or damaged; send it anew.');
      }
      yield* got.body as AsyncIterable<Uint8Array>;
    }
  }

  /** The list before its blocks, so that none leads nowhere. What stays because the store does not answer is swept up later. */
  async remove({ blocks, ...list }: BlockList | KeptList): Promise<void> {
    try {
      if ('key' in list) await this.#store.delete(list.key);
      await inParallel(blocks, LOOKUPS_AT_ONCE, ({ key }) => this.#store.delete(key));
    } catch {
      // the entry is stored, which is what was asked
    }
  }
}

function blockKey({ tenant, scope, entry, id }: UploadPlace, blockId: string): ObjectKey {
  return uploadsKey(tenant, scope, `${entry}/blocks/${id}/${digestOf(blockId)}`);
}

function listsOf(entry: Digest): string {
  return `${entry}/lists/`;
}
