import type { ObjectFacts } from '../../store.ts';
import type { RcloneFeatures } from './rclone-remote.ts';

/** A row of `operations/list` and `operations/stat` (https://rclone.org/commands/rclone_lsjson/). */
export interface RemoteRow {
  readonly Name: string;
  /** -1 where the backend does not say, and of folders. */
  readonly Size: number;
  /** RFC 3339, as exact as the backend is. */
  readonly ModTime: string;
  readonly IsDir: boolean;
  readonly MimeType?: string;
  readonly Hashes?: Readonly<Record<string, string>>;
}

/** `undefined` for what no length is known of, as of documents that a backend makes when they are read. */
export function factsOf(row: RemoteRow, { keepsTypes, hash }: RcloneFeatures): ObjectFacts | undefined {
  const { Size: sizeBytes, ModTime, MimeType, Hashes } = row;
  if (row.IsDir || sizeBytes < 0) return undefined;
  const digest = hash === undefined ? undefined : Hashes?.[hash];
  return {
    sizeBytes,
    digest: undefined, // SHA-256 is what few backends keep, and none that of every object
    contentType: keepsTypes ? MimeType : undefined,
    fields: {},
    // The hash alone would do, but that some objects have none: those that were uploaded in parts, say.
    etag: digest || `${sizeBytes}-${ModTime.replaceAll(/\W/g, '')}`,
    modifiedAt: modifiedAt(row),
    metadata: {},
  };
}

/** In milliseconds since the epoch; 0 where the backend keeps no time. */
export function modifiedAt({ ModTime }: RemoteRow): number {
  return Math.max(0, Date.parse(ModTime) || 0);
}
