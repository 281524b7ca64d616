import { Readable } from 'node:stream';

/** What is held of a body sent in blocks. Azure takes 50,000 blocks, so this allows for 780 GiB. */
const BLOCK_BYTES = 16 * 1024 * 1024;

/** A body in pieces of at least `BLOCK_BYTES`, but for the last. */
export async function* inBlocks(body: Readable | Uint8Array): AsyncIterable<Buffer> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  const pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array> = body instanceof Readable ? body : [body];
  for await (const piece of pieces) {
    held.push(piece);
    bytes += piece.length;
    if (bytes < BLOCK_BYTES) continue;
    yield Buffer.concat(held);
    held = [];
    bytes = 0;
  }
  if (bytes > 0) yield Buffer.concat(held);
}
