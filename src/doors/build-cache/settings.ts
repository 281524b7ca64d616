import { oneOf } from '../../config/kinds.ts';
import type { Settings, Values } from '../../config/setting.ts';

/** What becomes of an upload that is larger than `artifact.max_size`. */
export const OVERSIZE = ['drop', 'refuse'] as const;
export type Oversize = (typeof OVERSIZE)[number];

export const buildCacheSettings = {
  gradleOversize: {
    key: 'gradle.oversize',
    kind: oneOf(OVERSIZE),
    default: 'drop',
    doc: 'What becomes of a Gradle entry that is larger than `artifact.max_size`. `refuse`: 413, on which Gradle uses no remote cache for the rest of its build. `drop`: it is taken and thrown away, counted as `dropped` and warned of once an hour.',
  },
} as const satisfies Settings;

export type BuildCacheSettings = Values<typeof buildCacheSettings>;
