import { digestOf } from '../../base/digest.ts';

/** Of an entry, as its record says it. */
export interface RecordFacts {
  readonly key: string;
  readonly sizeBytes: number;
  /** Milliseconds since the epoch. */
  readonly storedAt: number;
  /** The caller's metadata, as JSON gives it back. */
  readonly meta: unknown;
}

/** Where the entries of a tier's folder lie, and what their records say beside what the tier itself reads. */
export interface EntryLayout {
  /** Below the tier's folder; '': it is that folder. The format of folder and files: a new one gets a new name. */
  readonly entries: string;
  /** Beside the entries, on their file system, as `rename` needs; and the lock. */
  readonly temp: string;
  readonly lock: string;
  /** So many digits of the name are a folder of their own. */
  readonly shardDigits: 0 | 2;
  /** 64 lower-case hex digits, another one for each key. */
  readonly nameOf: (key: string) => string;
  readonly record: RecordFormat;
}

export interface RecordFormat {
  readonly version: number | string;
  /** Statistics in the words of other programs, after our own and written with them: fields of JSON that end with a comma, of one length whatever the numbers. */
  readonly encodeUse: (lastUsedAt: number, uses: number) => string;
  /** What else other programs find there. The tier does not read it back. */
  readonly facts: (facts: RecordFacts) => Readonly<Record<string, unknown>>;
}

/** For a tier that nobody else looks into. Keys may be anything of any length; names are all alike. */
export const OWN_LAYOUT: EntryLayout = {
  entries: 'cache-v1',
  temp: 'cache-v1-tmp',
  lock: 'cache-v1-lock',
  shardDigits: 2,
  nameOf: digestOf,
  record: { version: 1, encodeUse: () => '', facts: () => ({}) },
};
