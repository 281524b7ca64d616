import type { Mistake } from './mistake.ts';
import type { Settings, Values } from './setting.ts';

/**
 * Settings of things that an operator gives names to, in a map below one key: `stores: { media: { type: s3, … } }`, in
 * the environment `VC_STORES__media__TYPE`. Where they are of several types, what else one may have follows from its
 * `type`.
 */
export interface NamedSettings {
  /** Where they stand in a file: `stores`; with a dot for each level, as the key of a setting. */
  readonly key: string;
  /** One of them, in messages: `store`. */
  readonly noun: string;
  readonly doc: string;
  /** What a name must match. */
  readonly names: RegExp;
  /** What such a name looks like, to end "expected …". */
  readonly namesExpect: string;
  /** Of each, whatever its type; a setting's `key` is its name below that of the thing. */
  readonly common: Settings;
  /** By type. One name means the same in each type that has it. Without it they have no `type`, and are all alike. */
  readonly types?: Readonly<Record<string, Settings>>;
}

/** Those of several types. */
export type TypedSettings = NamedSettings & Required<Pick<NamedSettings, 'types'>>;

interface NamedFacts {
  readonly name: string;
  /** Per setting, and for `type`, where its value came from. */
  readonly origins: Readonly<Record<string, string>>;
  /** A mistake at a setting by its key, or where that is not given, at the thing's name. */
  readonly mistakeAt: (key: string, message: string) => Mistake;
}

/** One thing: its type, where there are some, and the values of its settings. */
export type Named<N extends NamedSettings> = N extends TypedSettings
  ? {
      readonly [T in keyof N['types'] & string]: NamedFacts & {
        readonly type: T;
        readonly values: Values<N['common'] & N['types'][T]>;
      };
    }[keyof N['types'] & string]
  : NamedFacts & { readonly values: Values<N['common']> };

/** How variables begin that name one of them: `VC_FILES_MOUNTS__` or `VC_FILES__MOUNTS__` for `files.mounts`. */
export function variablePrefixes(key: string): readonly string[] {
  const steps = key.toUpperCase().split('.');
  return [...new Set([`VC_${steps.join('_')}__`, `VC_${steps.join('__')}__`])];
}
