import { close, closeSync, fdatasync, fstatSync, open, read, type Stats, writev } from 'node:fs';
import { promisify } from 'node:util';

/**
 * Files by their number. A `FileHandle` of `node:fs/promises` costs several times as much to make
 * and to close, and every look-up of the gateway opens a file.
 */
export type Descriptor = number;

export const openFile: (path: string, flags: string) => Promise<Descriptor> = promisify(open);
export const flushFile: (descriptor: Descriptor) => Promise<void> = promisify(fdatasync);

/** At once: what `open` had to look up anyway is in memory, and a trip through the thread pool costs ten times the call. */
export function statFile(descriptor: Descriptor): Stats {
  return fstatSync(descriptor);
}

/** At once, likewise; for files that were only read. */
export function closeFile(descriptor: Descriptor): void {
  closeSync(descriptor);
}

const readChunk = promisify(read);
const writeChunks = promisify(writev);

/** A network file system sends what was written when the file is closed, so this one is waited for elsewhere. */
export const closeWritten: (descriptor: Descriptor) => Promise<void> = promisify(close);

/** The bytes from `position`, fewer where the file ends before. */
export async function readAt(descriptor: Descriptor, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  const { bytesRead } = await readChunk(descriptor, buffer, 0, length, position);
  return buffer.subarray(0, bytesRead);
}

/** All of the chunks, in order; `writev` may write less than it was given. */
export async function writeAll(descriptor: Descriptor, chunks: readonly Uint8Array[]): Promise<void> {
  let rest = [...chunks];
  while (rest.length > 0) {
    let { bytesWritten } = await writeChunks(descriptor, rest);
    rest = rest.flatMap((chunk) => {
      const written = Math.min(bytesWritten, chunk.length);
      bytesWritten -= written;
      return written === chunk.length ? [] : [chunk.subarray(written)];
    });
  }
}
