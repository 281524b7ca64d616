/** What is in memory of an entry: some hundred bytes with its name, whatever its metadata. */
export interface DiskEntry {
  readonly bodyBytes: number;
  readonly recordBytes: number;
  /** Milliseconds since the epoch, as is `lastUsedAt`. */
  readonly storedAt: number;
  lastUsedAt: number;
  uses: number;
}

/** What it takes on the disk. */
export function entryBytes({ bodyBytes, recordBytes }: DiskEntry): number {
  return bodyBytes + recordBytes;
}
