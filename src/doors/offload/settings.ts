import { isAbsolute } from 'node:path';
import {
  bearerToken,
  duration,
  httpUrl,
  type Kind,
  oneOf,
  text,
  trueOrFalse,
  wholeNumber,
} from '../../config/kinds.ts';
import type { Mistake } from '../../config/mistake.ts';
import type { Resolution } from '../../config/resolve-settings.ts';
import type { Settings, Values } from '../../config/setting.ts';
import { BINARY_EVICTIONS } from './binary-cache.ts';

/** The section `velox:` of velox-middleware, key by key, and `builds.token` and `builds.output_folders`. */
export const offloadSettings = {
  buildsServerUrl: {
    key: 'builds.server_url',
    kind: httpUrl(),
    doc: 'The build server that builds what origins ask for with `X-Velox-Build`. Without it nothing is built.',
  },
  buildsToken: {
    key: 'builds.token',
    kind: bearerToken(),
    doc: 'Sent to the build server as `Authorization: Bearer …`, where it wants one.',
  },
  buildsTimeout: {
    key: 'builds.build_timeout',
    kind: duration(),
    default: 5 * 60_000,
    doc: 'How long a build may take, with all that is tried again; then the client is answered 504.',
  },
  buildsRequestTimeout: {
    key: 'builds.request_timeout',
    kind: duration(),
    default: 180_000,
    doc: 'How long the build server may take to answer one request.',
  },
  buildsOutputFolders: {
    key: 'builds.output_folders',
    kind: absoluteFolders(),
    doc: 'Folders in which the build server puts what it builds. A file that lies elsewhere, links resolved, is not sent. Without it, the folder for temporary files.',
  },
  buildsRetryMaxAttempts: {
    key: 'builds.retry.max_attempts',
    kind: wholeNumber(1, 100, 'a number of attempts'),
    default: 3,
    doc: 'How often a build is asked for at most, the first time among them, where it may go well a little later.',
  },
  buildsRetryInitialDelay: {
    key: 'builds.retry.initial_delay',
    kind: duration(),
    default: 1_000,
    doc: 'The longest pause before the second attempt; a pause is of random length from its half on.',
  },
  buildsRetryMaxDelay: {
    key: 'builds.retry.max_delay',
    kind: duration(),
    default: 10_000,
    doc: 'The longest pause before any attempt.',
  },
  buildsRetryBackoffMultiplier: {
    key: 'builds.retry.backoff_multiplier',
    kind: multiplier(),
    default: 2,
    doc: 'How many times longer each pause is than the one before.',
  },
  buildsCacheEnabled: {
    key: 'builds.cache.enabled',
    kind: trueOrFalse(),
    default: false,
    doc: 'Whether binaries are kept.',
  },
  buildsCacheDirectory: {
    key: 'builds.cache.directory',
    kind: text(),
    default: './cache/velox',
    doc: 'Folder for binaries that are kept, for this server alone; made where it is missing.',
  },
  buildsCacheMaxSizeGb: {
    key: 'builds.cache.max_size_gb',
    kind: wholeNumber(0, 1_000_000, 'a number of GiB'),
    default: 0,
    doc: 'How many GiB of binaries are kept at most; 0 for no limit.',
  },
  buildsCacheMaxEntries: {
    key: 'builds.cache.max_entries',
    kind: wholeNumber(0, 1_000_000_000, 'a number of binaries'),
    default: 0,
    doc: 'How many binaries are kept at most; 0 for no limit.',
  },
  buildsCacheMaxAgeDays: {
    key: 'builds.cache.max_age_days',
    kind: wholeNumber(0, 100_000, 'a number of days'),
    default: 0,
    doc: 'How many days after it was built a binary is removed; 0 for never.',
  },
  buildsCacheCleanupInterval: {
    key: 'builds.cache.cleanup_interval',
    kind: durationOrZero(),
    default: 3600_000,
    doc: 'How often binaries are looked for that are too old; 0 for never, so that they go when they are asked for.',
  },
  buildsCacheEvictionPolicy: {
    key: 'builds.cache.eviction_policy',
    kind: oneOf(BINARY_EVICTIONS),
    default: 'lru',
    doc: 'Which binary goes first where there is no more room: the one whose last use is longest ago (`lru`), that was used least often (`lfu`) or that was built first (`fifo`).',
  },
  buildsCacheAccessUpdateInterval: {
    key: 'builds.cache.access_update_interval',
    kind: durationOrZero(),
    default: 5 * 60_000,
    doc: 'How often the uses of binaries are written down, all at once; 0 for each use at once.',
  },
} as const satisfies Settings;

export type OffloadSettings = Values<typeof offloadSettings>;

/** Who says something of builds means that there are some. */
export function offloadMistakes({ values, sources }: Resolution<typeof offloadSettings>): readonly Mistake[] {
  if (values.buildsServerUrl !== undefined) return [];
  const names = Object.keys(offloadSettings) as (keyof typeof offloadSettings)[];
  const said = names.find((name) => sources[name].rank > 0);
  if (said === undefined) return [];
  const { key } = offloadSettings[said];
  return [
    sources[said].mistake(`${key}: nothing is built, for builds.server_url does not say which server does.`),
  ];
}

/** The seed's `0` has no unit, as it needs none. */
function durationOrZero(): Kind<number> {
  const kind = duration();
  return {
    ...kind,
    expects: `${kind.expects}, or 0`,
    schema: { type: ['string', 'integer'] },
    parse: (raw) => (raw === 0 || raw === '0' ? 0 : kind.parse(raw)),
  };
}

function multiplier(): Kind<number> {
  return {
    expects: 'a number from 1 to 100',
    schema: { type: 'number', minimum: 1, maximum: 100 },
    parse(raw) {
      const value = typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : raw;
      return typeof value === 'number' && value >= 1 && value <= 100 ? value : undefined;
    },
  };
}

function absoluteFolders(): Kind<readonly string[]> {
  return {
    expects: 'absolute paths of folders, with commas between them or as a list',
    schema: { type: ['string', 'array'], items: { type: 'string' } },
    parse(raw) {
      const parts: readonly unknown[] =
        typeof raw === 'string' ? raw.split(',') : Array.isArray(raw) ? raw : [];
      const folders = parts.map((part) => (typeof part === 'string' ? part.trim() : ''));
      return folders.length > 0 && folders.every((folder) => isAbsolute(folder)) ? folders : undefined;
    },
    show: (folders) => folders.join(', '),
  };
}
