import { didYouMean } from '../base/suggest.ts';
import { oneOf } from './kinds.ts';
import {
  contradictions,
  endingsOf,
  fromFiles,
  fromVariables,
  type Layers,
  nestedVariables,
  parseRaw,
} from './layers.ts';
import type { Checked, Mistake } from './mistake.ts';
import { type Named, type NamedSettings, type TypedSettings, variablePrefixes } from './named-settings.ts';
import type { Setting, Settings, Values } from './setting.ts';
import type { YamlFile } from './yaml-file.ts';

/** The things that files and variables name, in the order they are named there. All mistakes come back together. */
export function resolveNamed<N extends NamedSettings>(
  named: N,
  layers: Layers,
): Checked<readonly Named<N>[]> {
  const mistakes: Mistake[] = [];
  const variables = variablesOf(named, layers, mistakes);
  mistakes.push(...contradictions(variables.map(toMeaning), layers));
  const names = new Set([
    ...layers.files.flatMap((file) => namesIn(file, named, mistakes)),
    ...variables.filter(({ variable }) => layers.env[variable]).map(({ name }) => name),
  ]);
  const found = [...names].flatMap((name) => {
    const own = variables.filter((variable) => variable.name === name);
    const resolved = new Resolving(named, name, own, layers, mistakes).resolve();
    return resolved ? [resolved as unknown as Named<N>] : [];
  });
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, value: found };
}

/** The name as it is written, the setting in small letters. */
function toMeaning({ variable, prefix, name, field }: FieldVariable): { name: string; means: string } {
  return { name: variable, means: `${prefix}${name}__${field}` };
}

interface FieldVariable {
  readonly prefix: string;
  readonly variable: string;
  readonly name: string;
  /** In small letters. */
  readonly field: string;
}

/** A name may hold two underscores itself: what comes first and last is not its. */
function variablesOf({ key, noun }: NamedSettings, layers: Layers, mistakes: Mistake[]): FieldVariable[] {
  const prefixes = variablePrefixes(key);
  const steps = key.split('.').length;
  const flat = nestedVariables({ ...layers, nestedPrefixes: prefixes });
  const nested = nestedVariables(layers).flatMap(({ path, ...variable }) =>
    path.length > steps && path.slice(0, steps).join('.').toLowerCase() === key
      ? [{ ...variable, path: path.slice(steps) }]
      : [],
  );
  return [...flat, ...nested].flatMap(({ name: variable, prefix: from, path }) => {
    const [name, field] = [path.slice(0, -1).join('__'), path.at(-1)?.toLowerCase() ?? ''];
    if (name !== '') return [{ variable, prefix: from, name, field }];
    const message = `there is no such setting: those of a ${noun} are ${prefixes[0]}<name>__<SETTING>`;
    mistakes.push({ message, source: variable });
    return [];
  });
}

function namesIn(file: YamlFile, { key, noun }: NamedSettings, mistakes: Mistake[]): string[] {
  const map = valueAt(file, stepsOf(key));
  if (map === undefined || map === null) return [];
  if (!isMap(map)) {
    const message = `${key}: expected a map of a name and a ${noun} each`;
    mistakes.push({ message, position: file.positionOf(stepsOf(key), 'value') });
    return [];
  }
  for (const [name, value] of Object.entries(map)) {
    if (isMap(value) || value === null) continue;
    const message = `${key}.${name}: expected a map`;
    mistakes.push({ message, position: file.positionOf(stepsOf(key, name), 'value') });
  }
  return Object.keys(map);
}

/** The levels of a dotted key, and of what is below it. */
function stepsOf(key: string, ...below: readonly string[]): string[] {
  return [...key.split('.'), ...below];
}

function valueAt({ data }: YamlFile, steps: readonly string[]): unknown {
  let value: unknown = data;
  for (const step of steps) value = isMap(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  return value;
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Resolved = Omit<Named<TypedSettings>, 'type'> & { readonly type?: string };

/** What is done for one thing. */
class Resolving {
  readonly #named: NamedSettings;
  readonly #name: string;
  readonly #variables: readonly FieldVariable[];
  readonly #layers: Layers;
  readonly #mistakes: Mistake[];
  readonly #values: Record<string, unknown> = {};
  readonly #origins: Record<string, string> = {};
  readonly #places = new Map<string, (message: string) => Mistake>();

  constructor(
    named: NamedSettings,
    name: string,
    variables: readonly FieldVariable[],
    layers: Layers,
    mistakes: Mistake[],
  ) {
    this.#named = named;
    this.#name = name;
    this.#variables = variables;
    this.#layers = layers;
    this.#mistakes = mistakes;
  }

  /** `undefined` where the type is not known; that is told. */
  resolve(): Resolved | undefined {
    const { names, namesExpect, types, common, key, noun } = this.#named;
    if (!names.test(this.#name)) {
      const spelled = `"${this.#name}" cannot name a ${noun}: expected ${namesExpect}`;
      this.#mistakes.push(this.#mistakeAtName(spelled));
    }
    if (types === undefined) {
      this.#tellUnknown(undefined);
      return this.#resolved(undefined, common);
    }
    const before = this.#mistakes.length;
    const typeSetting: Setting<string> = { key: 'type', kind: oneOf(Object.keys(types)), doc: '' };
    this.#read('type', typeSetting);
    const type = this.#values['type'] as string | undefined;
    const own = type === undefined ? undefined : types[type];
    if (own === undefined && this.#mistakes.length === before) {
      const message = `${key}.${this.#name}: type is missing; expected ${typeSetting.kind.expects}`;
      this.#mistakes.push(this.#mistakeAtName(message));
    }
    this.#tellUnknown(type);
    if (own === undefined || type === undefined) return undefined;
    return this.#resolved(type, { ...common, ...own });
  }

  #resolved(type: string | undefined, settings: Settings): Resolved {
    for (const [id, setting] of Object.entries(settings)) this.#read(id, setting);
    const { type: _, ...values } = this.#values;
    return {
      name: this.#name,
      ...(type === undefined ? {} : { type }),
      values: values as Values<Settings>,
      origins: this.#origins,
      mistakeAt: (field, message) => this.#places.get(field)?.(message) ?? this.#mistakeAtName(message),
    };
  }

  #read(id: string, setting: Setting<unknown>): void {
    const { key } = this.#named;
    const variables = endingsOf(setting).flatMap((ending) =>
      this.#variables
        .filter(({ field }) => field === setting.key + ending.toLowerCase())
        .map(({ variable }) => ({ name: variable, isFile: ending !== '' })),
    );
    const raw =
      fromVariables(variables, this.#layers, this.#mistakes) ??
      fromFiles(stepsOf(key, this.#name, setting.key), this.#layers);
    this.#origins[id] = raw?.origin ?? (setting.default === undefined ? 'not set' : 'default');
    if (raw === undefined) {
      this.#values[id] = setting.default;
      if (setting.required !== undefined)
        this.#mistakes.push(this.#mistakeAtName(`${key}.${this.#name}: ${setting.required}`));
      return;
    }
    this.#places.set(setting.key, raw.mistake);
    this.#values[id] = parseRaw(setting, `${key}.${this.#name}.${setting.key}`, raw, this.#mistakes);
  }

  /** The settings of all types, where the type is not known itself. */
  #tellUnknown(type: string | undefined): void {
    const { key, common, types } = this.#named;
    const own = type === undefined ? undefined : types?.[type];
    const settings = [common, ...(own ? [own] : Object.values(types ?? {}))].flatMap((each) =>
      Object.values(each),
    );
    const known = [...(types ? ['type'] : []), ...new Set(settings.map((setting) => setting.key))];
    const inVariables = [
      ...known,
      ...settings.flatMap((setting) => endingsOf(setting).map((end) => setting.key + end.toLowerCase())),
    ];
    for (const { variable, field } of this.#variables) {
      if (inVariables.includes(field)) continue;
      const message = `there is no such setting${this.#whatIsMeant(field, type, known)}`;
      this.#mistakes.push({ message, source: variable });
    }
    for (const file of this.#layers.files) {
      for (const field of fieldsIn(file, key, this.#name)) {
        if (known.includes(field)) continue;
        const message = `unknown key "${key}.${this.#name}.${field}"${this.#whatIsMeant(field, type, known)}`;
        this.#mistakes.push({ message, position: file.positionOf(stepsOf(key, this.#name, field), 'key') });
      }
    }
  }

  #whatIsMeant(field: string, type: string | undefined, known: readonly string[]): string {
    const { types = {}, noun } = this.#named;
    const others = Object.keys(types).filter((other) =>
      Object.values(types[other] ?? {}).some((setting) => setting.key === field),
    );
    const list = `a ${noun}${type === undefined ? '' : ` of type ${type}`} has ${known.join(', ')}`;
    if (others.length > 0) return `: it is one of type ${others.join(' and ')}; ${list}`;
    return didYouMean(field, known) || `; ${list}`;
  }

  /** In the last file that names it; else at its first variable. */
  #mistakeAtName(message: string): Mistake {
    const { key } = this.#named;
    const file = this.#layers.files.findLast((each) => {
      const map = valueAt(each, stepsOf(key));
      return isMap(map) && Object.hasOwn(map, this.#name);
    });
    if (file) return { message, position: file.positionOf(stepsOf(key, this.#name), 'key') };
    return { message, source: this.#variables[0]?.variable ?? key };
  }
}

function fieldsIn(file: YamlFile, key: string, name: string): string[] {
  const thing = valueAt(file, stepsOf(key, name));
  return isMap(thing) ? Object.keys(thing) : [];
}
