import type { Kind } from './kinds.ts';

/**
 * One setting, declared once. From the declaration come its environment name, its
 * flag, its place in the YAML file, `velocity config`, the JSON Schema and the
 * reference page. A folder declares the settings it needs; `server/` assembles them.
 */
export interface Setting<T> {
  /** Dotted path: `s3.bucket` is `VC_S3_BUCKET`, `--s3-bucket` and `s3: { bucket: … }`. */
  readonly key: string;
  readonly kind: Kind<T>;
  /** What it does, in one sentence. */
  readonly doc: string;
  /** The value where nobody gives one; without it the setting may be `undefined`. */
  readonly default?: T;
  /** Other environment names that are read when the own one is not set. */
  readonly envAliases?: readonly string[];
  /** A setting that must be given; the sentence says how. */
  readonly required?: string;
}

// biome-ignore lint/suspicious/noExplicitAny: a record of settings of different types; each keeps its own.
export type Settings = Readonly<Record<string, Setting<any>>>;

/** The values of settings: those with a default or `required` are always there. */
export type Values<S extends Settings> = {
  readonly [Name in keyof S]: S[Name] extends Setting<infer T>
    ? S[Name] extends { readonly default: unknown } | { readonly required: string }
      ? T
      : T | undefined
    : never;
};

type Joined<Parts extends readonly Settings[]> = Parts extends readonly [
  infer First extends Settings,
  ...infer Rest extends readonly Settings[],
]
  ? First & Joined<Rest>
  : unknown;

/** Settings of several folders as one record. @throws Error where two have one name, which would hide one of them */
export function joinSettings<const Parts extends readonly Settings[]>(...parts: Parts): Joined<Parts> {
  const joined: Record<string, Setting<unknown>> = {};
  for (const [name, setting] of parts.flatMap((part) => Object.entries(part))) {
    if (Object.hasOwn(joined, name)) throw new Error(`two settings are called ${name}`);
    joined[name] = setting;
  }
  return joined as Joined<Parts>;
}

export function envName(setting: Setting<unknown>): string {
  return `VC_${setting.key.replaceAll('.', '_').toUpperCase()}`;
}

/** The names in the environment, the usual one first: `VC_S3_BUCKET`, and `VC_S3__BUCKET` with its levels told apart. */
export function envNames(setting: Setting<unknown>): string[] {
  const nested = `VC_${setting.key.replaceAll('.', '__').toUpperCase()}`;
  return [...new Set([envName(setting), nested])];
}

export function flagName(setting: Setting<unknown>): string {
  return `--${setting.key.replaceAll(/[._]/g, '-')}`;
}
