import { readFileSync } from 'node:fs';
import { messageOf } from '../base/errors.ts';
import { isSecretKind } from './kinds.ts';
import type { Mistake } from './mistake.ts';
import type { Setting } from './setting.ts';
import type { YamlFile } from './yaml-file.ts';

/** Where values may come from, strongest first: flags, environment, files; then the default. */
export interface Layers {
  /** Flag values by flag name, `--port` → `9000`. */
  readonly flags: ReadonlyMap<string, string>;
  /** What the flag of a setting is called here, if it has one; default: after its whole key. */
  readonly flagOf?: FlagOf | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** A later one goes before an earlier one, key by key. */
  readonly files: readonly YamlFile[];
  /** What begins variables that name every level of a key, the strongest first. Default: `VC__` alone. */
  readonly nestedPrefixes?: readonly string[] | undefined;
}

export type FlagOf = (setting: Setting<unknown>) => string | undefined;

/** One value found in one layer, not yet parsed. */
export interface RawValue {
  readonly value: unknown;
  /** `--port`, `VC_PORT`, `velocity-server.yml:3:7`. */
  readonly origin: string;
  /** How strong its layer is; a default has 0. */
  readonly rank: number;
  readonly mistake: (message: string) => Mistake;
}

export function flagRank({ files }: Layers): number {
  return files.length + 2;
}

function envRank({ files }: Layers): number {
  return files.length + 1;
}

/** A variable that names every level of a key: `VC__S3__BUCKET`. */
export interface NestedVariable {
  readonly name: string;
  readonly prefix: string;
  /** As written: `['S3', 'BUCKET']`. */
  readonly path: readonly string[];
}

/** Those of the environment, of the strongest prefix first. */
export function nestedVariables({ env, nestedPrefixes = ['VC__'] }: Layers): NestedVariable[] {
  const names = Object.keys(env);
  return nestedPrefixes.flatMap((prefix) =>
    names
      .filter((name) => name.startsWith(prefix))
      .map((name) => ({ name, prefix, path: name.slice(prefix.length).split('__') })),
  );
}

/** Variables that differ in the size of letters alone and say different things: none of them is the stronger. */
export function contradictions(
  variables: readonly { readonly name: string; readonly means: string }[],
  { env }: Layers,
): Mistake[] {
  const first = new Map<string, string>();
  const mistakes: Mistake[] = [];
  for (const { name, means } of variables) {
    const before = first.get(means);
    if (!env[name]) continue;
    if (before === undefined) first.set(means, name);
    else if (env[name] !== env[before])
      mistakes.push({ message: `says something else than ${before}: leave one of them out`, source: name });
  }
  return mistakes;
}

/** A variable that gives a value; of a secret also one that names a file with it. */
export interface ValueVariable {
  readonly name: string;
  readonly isFile: boolean;
}

/** How a key may end in a variable's name: itself, and for a secret with `_FILE`. */
export function endingsOf(setting: Setting<unknown>): readonly string[] {
  return isSecretKind(setting.kind) ? ['', '_FILE'] : [''];
}

/**
 * The value of the first of these variables that has one. An empty variable counts as not set: compose files and CI
 * systems often pass them through empty.
 */
export function fromVariables(
  variables: readonly ValueVariable[],
  layers: Layers,
  mistakes: Mistake[],
): RawValue | undefined {
  const rank = envRank(layers);
  for (const { name, isFile } of variables) {
    const value = layers.env[name];
    if (!value) continue;
    const mistake = (message: string): Mistake => ({ message, source: name });
    if (!isFile) return { value, origin: name, rank, mistake };
    try {
      return { value: readFileSync(value, 'utf8').trim(), origin: name, rank, mistake };
    } catch (error) {
      mistakes.push(mistake(`cannot read the file it names: ${messageOf(error)}`));
      return { value: undefined, origin: name, rank, mistake };
    }
  }
  return undefined;
}

/** The value at a path of the last file that has one there. */
export function fromFiles(path: readonly string[], { files }: Layers): RawValue | undefined {
  for (let index = files.length - 1; index >= 0; index--) {
    const file = files[index];
    const raw = file && fromFile(path, file, index + 1);
    if (raw) return raw;
  }
  return undefined;
}

function fromFile(path: readonly string[], file: YamlFile, rank: number): RawValue | undefined {
  let value: unknown = file.data;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string, unknown>)[step];
  }
  if (value === null || value === '') return undefined;
  const position = file.positionOf(path, 'value');
  return {
    value,
    origin: `${position.file}:${position.line}:${position.column}`,
    rank,
    mistake: (message) => ({ message, position }),
  };
}

/** The value as the setting means it; `undefined`, and told, where it is none. */
export function parseRaw(
  { kind }: Setting<unknown>,
  key: string,
  raw: RawValue,
  mistakes: Mistake[],
): unknown {
  if (raw.value === undefined) return undefined; // a file that could not be read, which is told already
  const value = kind.parse(raw.value);
  if (value === undefined) {
    const found = isSecretKind(kind) ? 'a value that is not shown here' : JSON.stringify(raw.value);
    mistakes.push(raw.mistake(`${key}: expected ${kind.expects}, found ${found}`));
  }
  return value;
}
