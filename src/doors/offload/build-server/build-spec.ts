import * as z from 'zod';
import { type Digest, digestOf } from '../../../base/digest.ts';
import { VelocityError } from '../../../base/errors.ts';
import { hostPlatform } from '../platform.ts';

/** What is to be built: all that may change the binary, and nothing else. */
export interface BuildSpec {
  /** A tag `v…`, `master`, or a commit. */
  readonly rrVersion: string;
  /** By Go's names: `linux`, `amd64`. */
  readonly os: string;
  readonly arch: string;
  /** By module, each once. */
  readonly plugins: readonly { readonly module: string; readonly tag: string }[];
  /** By what is replaced, each once. */
  readonly replaces: readonly { readonly old: string; readonly new: string }[];
  readonly excludes: readonly { readonly module: string; readonly version: string }[];
  readonly race: boolean;
  readonly debug: boolean;
}

/** One asker's request. */
export interface BuildRequest {
  readonly spec: BuildSpec;
  /** SHA-256 of the spec. */
  readonly key: Digest;
  readonly requestId: string | undefined;
  /** What is kept of this spec is not wanted, and is replaced. */
  readonly forceRebuild: boolean;
}

/** More would be no build but an attack on the parser; RoadRunner itself has some 40 plugins. */
const MAX_ITEMS = 256;

// Each begins with a letter or digit, so that none can be taken for an option, an absolute path or a file of arguments.
const VERSION = /^(?:v\d+\.\d+\.\d+(?:[-+.][A-Za-z0-9.+-]{1,64})?|master|[0-9a-f]{7,40})$/;
/** Empty: the host’s, as in protobuf what is not set. */
const NAME = /^[a-z0-9]{0,16}$/;
const MODULE_TEXT = '(?=.{1,200}(?:@|$))[A-Za-z0-9][A-Za-z0-9_~-]*(?:[./]+[A-Za-z0-9_~-]+)*';
const TAG_TEXT = '[A-Za-z0-9][A-Za-z0-9_+-]{0,99}(?:[./][A-Za-z0-9_+-]{1,100}){0,8}';
const MODULE = new RegExp(`^${MODULE_TEXT}$`);
const TAG = new RegExp(`^${TAG_TEXT}$`);
const MODULE_AT_TAG = new RegExp(`^${MODULE_TEXT}(?:@${TAG_TEXT})?$`);

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const module = pattern(MODULE, 'a module such as github.com/acme/plugin').refine(
  staysBelow,
  'expected a module without ".." or "//"',
);
const replaced = pattern(MODULE_AT_TAG, 'a module, with @version or without; no local folder').refine(
  staysBelow,
  'expected a module without ".." or "//"',
);
const tag = pattern(TAG, 'a tag such as v1.2.3, a branch or a commit');

const requestSchema = z.strictObject({
  request_id: z.union([z.literal(''), pattern(UUID, 'a UUID')]).optional(),
  rr_version: pattern(VERSION, 'a version such as v2024.1.0, master, or a commit of 7 to 40 hex digits'),
  force_rebuild: z.boolean().default(false),
  target_platform: z
    .strictObject({
      os: pattern(NAME, 'an operating system by Go’s name, such as linux').default(''),
      arch: pattern(NAME, 'an architecture by Go’s name, such as amd64').default(''),
    })
    .prefault({}),
  plugins: list(z.strictObject({ module_name: module, tag })),
  replaces: list(z.strictObject({ new: replaced, old: replaced })),
  excludes: list(z.strictObject({ module, version: tag })),
  race: z.boolean().default(false),
  debug: z.boolean().default(false),
});

/**
 * A `BuildRequest` of `api.service.v1` as JSON, with the names of its fields as ProtoJSON allows them: `rr_version` and
 * `rrVersion`, `null` for what is not set. A field that is not known is refused: it may be one that changes the binary.
 * @throws VelocityError `BAD_REQUEST` that names the field
 */
export function parseBuildRequest(message: unknown): BuildRequest {
  const error = ({ code, input }: { code?: string; input?: unknown }) =>
    code === 'invalid_type' && input === undefined ? 'is missing' : undefined;
  const parsed = requestSchema.safeParse(inSnakeCase(message, []), { error });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue?.path.map(String).join('.') || 'body';
    throw badRequest(field, issue?.message ?? 'is malformed');
  }
  const { data } = parsed;
  const host = hostPlatform();
  const spec: BuildSpec = {
    rrVersion: data.rr_version,
    os: data.target_platform.os || host.os,
    arch: data.target_platform.arch || host.arch,
    plugins: sorted(data.plugins.map((given) => ({ module: given.module_name, tag: given.tag }))),
    replaces: sorted(data.replaces.map((given) => ({ old: given.old, new: given.new }))),
    excludes: sorted(data.excludes.map((given) => ({ module: given.module, version: given.version }))),
    race: data.race,
    debug: data.debug,
  };
  refuseRepeated(spec.plugins, ({ module: name }) => name, 'plugins');
  refuseRepeated(spec.replaces, ({ old }) => old, 'replaces');
  const requestId = data.request_id || undefined;
  return { spec, key: keyOf(spec), requestId, forceRebuild: data.force_rebuild };
}

/** The same for the same binary, in whatever order and spelling its parts were asked for. */
export function keyOf(spec: BuildSpec): Digest {
  return digestOf(specJson(spec));
}

/** The spec as a program reads it: the fields of `BuildRequest`, in this order, each of them there. */
export function specJson({
  rrVersion,
  os,
  arch,
  plugins,
  replaces,
  excludes,
  race,
  debug,
}: BuildSpec): string {
  return JSON.stringify({
    rr_version: rrVersion,
    target_platform: { os, arch },
    plugins: plugins.map((each) => ({ module_name: each.module, tag: each.tag })),
    replaces: replaces.map((each) => ({ new: each.new, old: each.old })),
    excludes: excludes.map((each) => ({ module: each.module, version: each.version })),
    race,
    debug,
  });
}

/** Whether the same spec may mean other sources tomorrow: a branch, where only a version or a commit stays what it is. */
export function isMoving({ rrVersion, plugins }: BuildSpec): boolean {
  return [rrVersion, ...plugins.map((plugin) => plugin.tag)].some(
    (ref) => !/^(?:v\d|[0-9a-f]{7,40}$)/.test(ref),
  );
}

/** The deepest that a request has: a field of an item of a list. */
const MAX_DEPTH = 3;

function inSnakeCase(value: unknown, path: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (path.length > MAX_DEPTH) throw badRequest(path.join('.'), 'is nested too deeply');
  if (Array.isArray(value)) return value.map((item, index) => inSnakeCase(item, [...path, String(index)]));
  const fields = new Map<string, unknown>();
  for (const [name, inner] of Object.entries(value)) {
    if (inner === null) continue;
    const snake = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const inside = [...path, snake];
    if (fields.has(snake)) throw badRequest(inside.join('.'), 'is given twice');
    fields.set(snake, inSnakeCase(inner, inside));
  }
  return Object.fromEntries(fields);
}

function pattern(regexp: RegExp, expected: string): z.ZodString {
  return z.string().regex(regexp, `expected ${expected}`);
}

function list<T extends z.ZodType>(item: T) {
  return z.array(item).max(MAX_ITEMS, `expected at most ${MAX_ITEMS}`).default([]);
}

function staysBelow(name: string): boolean {
  return !/\.\.|\/\/|[./]@/.test(name);
}

/** By code units, so that no machine's locale has a say in a key. */
function sorted<T extends object>(items: readonly T[]): T[] {
  const text = (item: T): string => JSON.stringify(item);
  return items.toSorted((a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0));
}

function refuseRepeated<T>(items: readonly T[], nameOf: (item: T) => string, field: string): void {
  const seen = new Set<string>();
  for (const name of items.map(nameOf)) {
    if (seen.has(name)) throw badRequest(field, `${name} is given twice`);
    seen.add(name);
  }
}

function badRequest(field: string, what: string): VelocityError {
  return new VelocityError('BAD_REQUEST', `${field}: ${what}`, { field });
}
