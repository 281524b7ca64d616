import { DigestMeter } from '../base/digest.ts';
import type { ObjectKey } from './object-key.ts';
import type { ObjectStore } from './store.ts';

/** `unknown`: nobody said at the upload what the bytes should be. */
export type Verdict = 'whole' | 'damaged' | 'unknown' | 'gone';

/** Reads an object to its end and holds it against its digest. Nothing is removed. */
export async function verify(store: ObjectStore, key: ObjectKey): Promise<Verdict> {
  const got = await store.get(key);
  if (got === undefined || got === 'unsatisfiable') return 'gone';
  const meter = new DigestMeter();
  for await (const chunk of got.body as AsyncIterable<Uint8Array>) meter.update(chunk);
  const { digest, sizeBytes } = got.facts;
  if (meter.bytes !== sizeBytes) return 'damaged';
  if (digest === undefined) return 'unknown';
  return meter.digest() === digest ? 'whole' : 'damaged';
}
