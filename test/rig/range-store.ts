import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type ByteRange, resolveByteRange } from '../../src/base/byte-range.ts';
import type { ObjectKey } from '../../src/storage/object-key.ts';
import type { Got, ObjectFacts, PutOptions, PutOutcome } from '../../src/storage/store.ts';
import { StubStore } from './stub-store.ts';

interface Stored {
  readonly bytes: Buffer;
  readonly contentType: string | undefined;
  readonly version: number;
}

/** Objects in memory, and which ranges of them were asked for. */
export class RangeStore extends StubStore {
  readonly objects = new Map<ObjectKey, Stored>();
  /** Where what was asked for begins; `whole` where there was no range. */
  asked: (number | 'whole')[] = [];
  /** What a get of the range that begins here waits for, and then fails with. */
  readonly gates = new Map<number, Promise<Error | undefined>>();
  #version = 0;

  set(key: string, bytes: Buffer, contentType?: string): void {
    this.objects.set(key as ObjectKey, { bytes, contentType, version: ++this.#version });
  }

  override async head(key?: ObjectKey): Promise<ObjectFacts | undefined> {
    const stored = key && this.objects.get(key);
    return stored && factsOf(stored);
  }

  override async get(key?: ObjectKey, range?: ByteRange): Promise<Got> {
    const from = range && 'from' in range ? range.from : 'whole';
    this.asked.push(from);
    const failure = from === 'whole' ? undefined : await this.gates.get(from);
    const stored = key && this.objects.get(key);
    if (!stored) return undefined;
    const span = range ? resolveByteRange(range, stored.bytes.length) : 'whole';
    if (!span) return 'unsatisfiable';
    const part = span === 'whole' ? stored.bytes : stored.bytes.subarray(span.first, span.last + 1);
    const body = Readable.from(
      (function* () {
        yield part.subarray(0, part.length >> 1);
        if (failure) throw failure;
        yield part.subarray(part.length >> 1);
      })(),
      { objectMode: false },
    );
    return { facts: factsOf(stored), span, body };
  }

  override async put(key: ObjectKey, body: Readable | Uint8Array, options: PutOptions): Promise<PutOutcome> {
    this.set(key, Buffer.from(body instanceof Readable ? await buffer(body) : body), options.contentType);
    return 'stored';
  }
}

function factsOf({ bytes, contentType, version }: Stored): ObjectFacts {
  const [sizeBytes, etag, modifiedAt] = [bytes.length, `v${version}`, version * 1000];
  return { sizeBytes, etag, modifiedAt, contentType, digest: undefined, metadata: {} };
}
