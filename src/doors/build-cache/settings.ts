import { byteSize, duration, oneOf, tenantNames } from '../../config/kinds.ts';
import type { Settings, Values } from '../../config/setting.ts';

/** What becomes of an upload that is larger than `artifact.max_size`. */
export const OVERSIZE = ['drop', 'refuse'] as const;
export type Oversize = (typeof OVERSIZE)[number];

/** How action results are looked at; the setting's `doc` says what each does. */
export const ACTION_RESULT_CHECKS = ['none', 'complete', 'strict'] as const;
export type ActionResultCheck = (typeof ACTION_RESULT_CHECKS)[number];

export const buildCacheSettings = {
  actionResults: {
    key: 'bazel.action_results',
    kind: oneOf(ACTION_RESULT_CHECKS),
    default: 'complete',
    doc: 'How action results of Bazel and moon are looked at. `complete`: one whose blobs are gone is a miss, at the cost of a lookup of each blob it names; bytes that are no such result are given back as they are. `strict`: anything but Bazel’s own form is neither taken nor given back, so moon’s neither. `none`: any bytes, unseen.',
  },
  gradleOversize: {
    key: 'gradle.oversize',
    kind: oneOf(OVERSIZE),
    default: 'drop',
    doc: 'What becomes of a Gradle entry that is larger than `artifact.max_size`. `refuse`: 413, on which Gradle uses no remote cache for the rest of its build. `drop`: it is taken and thrown away, counted as `dropped` and warned of once an hour.',
  },
  memoryMaxSize: {
    key: 'memory.max_size',
    kind: byteSize(),
    default: 64 * 2 ** 20,
    doc: 'How much memory entries may take that build tools ask for again and again, with the bookkeeping; they are answered without a look at the storage. `0B` for none.',
  },
  memoryTtl: {
    key: 'memory.ttl',
    kind: duration(),
    default: 10_000,
    doc: 'How long such an entry is answered from memory before the storage is looked at again. What another gateway, a lifecycle rule or `velocity cache` removes is served until then at most.',
  },
  turborepoRequireTag: {
    key: 'turborepo.require_tag',
    kind: tenantNames(),
    default: [],
    doc: 'Tenants that take artifacts of Turborepo with a tag alone, which turbo sends where `remoteCache.signature` is set. The tag is not checked here: only the builds know the key.',
  },
} as const satisfies Settings;

export type BuildCacheSettings = Values<typeof buildCacheSettings>;
