import type { Mistake } from './mistake.ts';
import type { Settings, Values } from './setting.ts';

/**
 * Settings of things that an operator gives names to, in a map below one key: `stores: { media: { type: s3, … } }`, in
 * the environment `VC_STORES__media__TYPE`. What else one may have follows from its `type`.
 */
export interface NamedSettings {
  /** Where they stand in a file: `stores`. */
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
  /** By type. One name means the same in each type that has it. */
  readonly types: Readonly<Record<string, Settings>>;
}

interface NamedFacts {
  readonly name: string;
  /** Per setting, and for `type`, where its value came from. */
  readonly origins: Readonly<Record<string, string>>;
  /** A mistake at a setting by its key, or where that is not given, at the thing's name. */
  readonly mistakeAt: (key: string, message: string) => Mistake;
}

/** One thing: its type, and the values of that type's settings. */
export type Named<N extends NamedSettings> = {
  readonly [T in keyof N['types'] & string]: NamedFacts & {
    readonly type: T;
    readonly values: Values<N['common'] & N['types'][T]>;
  };
}[keyof N['types'] & string];
