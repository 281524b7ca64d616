/** What a tar archive holds of one file, as far as artifacts use it. */
export interface TarEntry {
  /** As in the archive: forward slashes, no trailing one. */
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'link';
  /** Permission bits, at most 0o777. */
  readonly mode: number;
  /** Bytes of the body that follows; 0 for all but files. */
  readonly sizeBytes: number;
  /** The symbolic link's target; `''` for all but links. */
  readonly target: string;
}

export const BLOCK_BYTES = 512;

/** Bytes from a body's end to the next block. */
export function paddingAfter(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}
