import { buffer } from 'node:stream/consumers';
import type { Access } from '../../../auth/access.ts';
import { type Digest, digestOf } from '../../../base/digest.ts';
import { inParallel } from '../../../base/in-parallel.ts';
import { isDamage } from '../../../storage/body.ts';
import { objectOfBytes } from '../../../storage/object-of-bytes.ts';
import type { StoredObject } from '../../../storage/store.ts';
import type { Entries } from '../entries.ts';
import type { ActionResultCheck } from '../settings.ts';
import { blobsOfAction, blobsOfJsonAction, blobsOfTree } from './action-blobs.ts';

/** Holds some thousands of outputs. A longer result is given back unchecked, and in `strict` not taken. */
export const MAX_CHECKED_BYTES = 1024 * 1024;
/** Holds some ten thousand files. Of a longer tree it is known that it is there, and no more. */
const MAX_TREE_BYTES = 4 * 1024 * 1024;
/** Whoever stores a result must not make the storage do any amount of work for each question. */
const MAX_TREES = 64;
/** Of all that are read for one result. */
const MAX_TREES_BYTES = 4 * MAX_TREE_BYTES;
const MAX_BLOBS = 20_000;
const LOOKUPS_AT_ONCE = 32;

const EMPTY = digestOf('');
const NOTHING = new Uint8Array();

/** Its digest is all there is to know of it: it is stored nowhere, and never gone. */
export function isEmptyBlob(digest: Digest): boolean {
  return digest === EMPTY;
}

/** Content is the same for every instance. */
export function blobName(digest: Digest): string {
  return `bazel/cas/${digest}`;
}

/** `other`: no `ActionResult` in Protocol Buffers, which other tools keep under the same addresses. */
type Verdict = 'complete' | 'incomplete' | 'other';

/** Action results, and whether the blobs are there that they stand on: a build that believes one without them fails. */
export class ActionResults {
  readonly #entries: Entries;
  readonly #check: ActionResultCheck;
  readonly #onIncomplete: () => void;

  /** `onIncomplete` is told of each result that was asked for and whose blobs are gone. */
  constructor(entries: Entries, check: ActionResultCheck, onIncomplete: () => void) {
    this.#entries = entries;
    this.#check = check;
    this.#onIncomplete = onIncomplete;
  }

  /** The result as it may be sent; `undefined` is a miss. */
  async admit(found: StoredObject, access: Access): Promise<StoredObject | undefined> {
    if (this.#check === 'none') return found;
    const bytes = await wholeOf(found, MAX_CHECKED_BYTES);
    if (bytes === undefined) return found;
    const verdict = await this.#judge(bytes, access);
    if (verdict === 'incomplete') this.#onIncomplete();
    if (verdict === 'incomplete' || (verdict === 'other' && this.#check === 'strict')) return undefined;
    return objectOfBytes(found.facts, found.span, bytes);
  }

  /** Whether bytes may be stored as a result: in `strict` only what is one. */
  takes(bytes: Uint8Array): boolean {
    return bytes.length > 0 && bytes.length <= MAX_CHECKED_BYTES && blobsOfAction(bytes) !== undefined;
  }

  /** Whether the scope that a token writes holds a result under this name that is a miss for want of its blobs. */
  async isWorthless(name: string, access: Access): Promise<boolean> {
    const { writeScope } = access;
    if (this.#check === 'none' || writeScope === undefined) return false;
    const found = await this.#entries.read({ ...access, readScopes: [writeScope] }, name);
    if (found === undefined || 'unsatisfiable' in found) return false;
    const bytes = await wholeOf(found, MAX_CHECKED_BYTES);
    if (bytes !== undefined) return (await this.#judge(bytes, access)) === 'incomplete';
    found.body.destroy();
    return false;
  }

  async #judge(bytes: Uint8Array, access: Access): Promise<Verdict> {
    const result = bytes.length > 0 ? blobsOfAction(bytes) : undefined;
    if (!result) return this.#judgeJson(bytes, access);
    const wanted = new Set(result.blobs);
    let bytesLeft = MAX_TREES_BYTES;
    for (const tree of [...result.trees].slice(0, MAX_TREES)) {
      if (bytesLeft === 0) break;
      const read = await this.#read(tree, access, Math.min(MAX_TREE_BYTES, bytesLeft));
      if (read === 'gone') return 'incomplete';
      bytesLeft -= read.length;
      wanted.delete(tree);
      for (const file of blobsOfTree(read) ?? []) wanted.add(file);
    }
    return (await this.#areThere([...wanted].slice(0, MAX_BLOBS), access)) ? 'complete' : 'incomplete';
  }

  async #judgeJson(bytes: Uint8Array, access: Access): Promise<Verdict> {
    const blobs = blobsOfJsonAction(bytes) ?? [];
    return (await this.#areThere([...blobs].slice(0, MAX_BLOBS), access)) ? 'other' : 'incomplete';
  }

  /** Nothing of what is longer. */
  async #read(tree: Digest, access: Access, maxBytes: number): Promise<Uint8Array | 'gone'> {
    if (isEmptyBlob(tree)) return NOTHING;
    try {
      const found = await this.#entries.read(access, blobName(tree));
      if (found === undefined || 'unsatisfiable' in found) return 'gone';
      const bytes = await wholeOf(found, maxBytes);
      if (bytes !== undefined) return bytes;
      found.body.destroy();
      return NOTHING;
    } catch (error) {
      if (isDamage(error)) return 'gone';
      throw error;
    }
  }

  /** Looking also counts as using: what is used last is evicted last, with or without a download. */
  async #areThere(digests: readonly Digest[], access: Access): Promise<boolean> {
    let allAreThere = true;
    await inParallel(digests, LOOKUPS_AT_ONCE, async (digest) => {
      if (!allAreThere || isEmptyBlob(digest)) return;
      if (!(await this.#entries.find(access, blobName(digest)))) allAreThere = false;
    });
    return allAreThere;
  }
}

/** `undefined`, with nothing read, of a part and of what is longer. */
async function wholeOf(
  { span, facts, bytes, body }: StoredObject,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  if (span !== 'whole' || facts.sizeBytes > maxBytes) return undefined;
  return bytes ?? buffer(body);
}
