import type { EntryLayout } from '../../cache/disk-tier/entry-layout.ts';
import type { Plugin } from './build-spec.ts';
import type { Platform } from './platform.ts';

/** What is kept beside a binary. */
export interface BinaryMeta {
  /** Milliseconds since the epoch. */
  readonly builtAt: number;
  readonly durationMs: number;
  readonly rrVersion: string;
  readonly platform: Platform;
  readonly plugins: readonly Plugin[];
}

/** The digits that a count of uses has at most, and one more than seconds of the year 30000 have. */
const USE_DIGITS = 10;
const SECONDS_DIGITS = 13;

/**
 * `{hash}.bin` and `{hash}.json` directly in the folder, where the hash is the build's key, and a record with the fields
 * of velox-middleware beside the tier's own. Its times are in seconds.
 */
export const BINARY_LAYOUT: EntryLayout = {
  entries: '',
  temp: '.tmp',
  lock: '.lock',
  shardDigits: 0,
  nameOf: (key) => key,
  record: {
    version: '1.0',
    encodeUse: (lastUsedAt, uses) =>
      `"last_accessed":${seconds(lastUsedAt).padEnd(SECONDS_DIGITS)},"access_count":${String(uses).padEnd(USE_DIGITS)},`,
    facts({ key, sizeBytes, storedAt, meta }) {
      const { rrVersion, platform, plugins, durationMs } = meta as BinaryMeta;
      return {
        hash: key,
        binary_file: `${key}.bin`,
        file_size: sizeBytes,
        rr_version: rrVersion,
        platform,
        plugins: plugins.map(({ moduleName, tag }) => ({ module_name: moduleName, tag })),
        created_at: Number(seconds(storedAt)),
        build_duration_ms: durationMs,
      };
    },
  },
};

/** `undefined`: this was not stored as the metadata of a binary. */
export function parseBinaryMeta(raw: unknown): BinaryMeta | undefined {
  if (typeof raw !== 'object' || raw === null || !('builtAt' in raw)) return undefined;
  return Number.isSafeInteger(raw.builtAt) ? (raw as BinaryMeta) : undefined;
}

function seconds(ms: number): string {
  return String(Math.trunc(ms / 1000));
}
