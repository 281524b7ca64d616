/**
 * Gives memory back at once that nobody looks at any more. What holds the chunk of a body is small, so the collector leaves it
 * until the bytes outside of its heap are very many, and then goes over all of the heap, several times in each large body.
 * @param bytes have no length afterwards; left alone where they are a part of something larger
 */
export function releaseBytes({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
