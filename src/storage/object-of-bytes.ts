import { Readable } from 'node:stream';
import type { ByteSpan } from '../base/byte-range.ts';
import type { ObjectFacts, StoredObject } from './store.ts';

/** An object that is in memory as a whole. Its stream is made when somebody asks for it, for a stream costs more than a small read. */
export function objectOfBytes(facts: ObjectFacts, span: ByteSpan | 'whole', bytes: Uint8Array): StoredObject {
  let body: Readable | undefined;
  return {
    facts,
    span,
    bytes,
    get body() {
      body ??= Readable.from(bytes.length === 0 ? [] : [bytes], { objectMode: false });
      return body;
    },
  };
}
