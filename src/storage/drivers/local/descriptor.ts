import { closeSync, fdatasync, fstatSync, type Stats } from 'node:fs';
import { promisify } from 'node:util';

/**
 * Files by their number. A `FileHandle` of `node:fs/promises` costs several times as much to make
 * and to close, and every look-up of the gateway opens a file.
 */
export type Descriptor = number;

export const flushFile: (descriptor: Descriptor) => Promise<void> = promisify(fdatasync);

/** At once: what `open` had to look up anyway is in memory. */
export function statFile(descriptor: Descriptor): Stats {
  return fstatSync(descriptor);
}

/** Another one after each write to the file, and of each other file; up to what the file system counts time in. */
export function identityOf(descriptor: Descriptor): string {
  const { ino, size, ctimeNs, mtimeNs } = fstatSync(descriptor, { bigint: true });
  return `${ino} ${size} ${ctimeNs} ${mtimeNs}`;
}

/** At once, likewise; for files that were only read. */
export function closeFile(descriptor: Descriptor): void {
  closeSync(descriptor);
}
