import * as z from 'zod';
import { type Digest, digestOf } from '../../base/digest.ts';
import { VelocityError } from '../../base/errors.ts';
import { checkedMessage } from '../../http/checked-message.ts';
import { hostPlatform, type Platform } from './platform.ts';

/** A build request is some lines of JSON; a larger one is a mistake or an attack. */
export const MAX_SPEC_BYTES = 1024 * 1024;

/** What a build server is asked to build. Names on the wire are in `buildMessage`. */
export interface BuildSpec {
  readonly rrVersion: string;
  readonly platform: Platform;
  readonly plugins: readonly Plugin[];
  readonly replaces: readonly { readonly new: string; readonly old: string }[];
  readonly excludes: readonly { readonly module: string; readonly version: string }[];
  readonly race: boolean;
  readonly debug: boolean;
  /** Of whoever asks, for the logs of the build server. */
  readonly requestId: string | undefined;
  /** What is cached is not used, and is replaced. */
  readonly forceRebuild: boolean;
}

export interface Plugin {
  readonly moduleName: string;
  readonly tag: string;
}

const MAX_LIST = 1024;
/** What goes into a command line elsewhere is no option and has no space there. */
const TEXT = /^[!-,.-~][!-~]{0,511}$/;
const WORD = /^[a-z0-9]{0,32}$/;
const IN_SNAKE_CASE: ReadonlyMap<string, string> = new Map([
  ['rrVersion', 'rr_version'],
  ['targetPlatform', 'target_platform'],
  ['moduleName', 'module_name'],
  ['requestId', 'request_id'],
  ['forceRebuild', 'force_rebuild'],
]);

const TEXT_RULE =
  'must be a text of 1 to 512 printable ASCII characters without spaces, and not begin with -';
const text = z.string(TEXT_RULE).regex(TEXT, TEXT_RULE);
const WORD_RULE = 'must be a word of Go’s for a platform, as linux or amd64';
const word = z.string(WORD_RULE).regex(WORD, WORD_RULE).optional();
const flag = z.boolean('must be true or false').optional();

const platform = message({ os: word, arch: word });
const plugins = list(message({ module_name: text, tag: text }));
const spec = message({
  rr_version: text,
  target_platform: platform.optional(),
  plugins: plugins.min(1, 'must name at least one plugin: {"module_name": …, "tag": …}'),
  replaces: list(message({ new: text, old: text })).optional(),
  excludes: list(message({ module: text, version: text })).optional(),
  race: flag,
  debug: flag,
  request_id: z.string('must be a text').max(128, 'must have at most 128 characters').optional(),
  force_rebuild: flag,
});

/**
 * Reads a build request: JSON, its names in snake_case or camelCase. A field that is not known is refused, for it might
 * change the binary and would not be in its key.
 * @param host what is built for where the request does not say
 * @throws VelocityError `BAD_REQUEST`
 */
export function parseBuildSpec(bytes: Uint8Array, host: Platform = hostPlatform()): BuildSpec {
  if (bytes.length > MAX_SPEC_BYTES)
    throw refused(`The build request has ${bytes.length} bytes; the limit is ${MAX_SPEC_BYTES}.`);
  const asked = checkedMessage(spec, parseJson(bytes));
  const { os, arch } = asked.target_platform ?? {};
  return {
    rrVersion: asked.rr_version,
    platform: { os: os || host.os, arch: arch || host.arch },
    plugins: asked.plugins.map(({ module_name, tag }) => ({ moduleName: module_name, tag })),
    replaces: asked.replaces ?? [],
    excludes: asked.excludes ?? [],
    race: asked.race ?? false,
    debug: asked.debug ?? false,
    requestId: asked.request_id,
    forceRebuild: asked.force_rebuild ?? false,
  };
}

/** SHA-256 of all that changes the binary, whatever the order of its lists: two requests of one key are one build. */
export function buildKey({
  rrVersion,
  platform,
  plugins,
  replaces,
  excludes,
  race,
  debug,
}: BuildSpec): Digest {
  const sorted = (rows: readonly (readonly [string, string])[]): string[] =>
    rows.map((row) => JSON.stringify(row)).sort();
  return digestOf(
    JSON.stringify([
      'build-v1',
      rrVersion,
      platform.os,
      platform.arch,
      sorted(plugins.map(({ moduleName, tag }) => [moduleName, tag])),
      sorted(replaces.map((one) => [one.old, one.new])),
      sorted(excludes.map(({ module, version }) => [module, version])),
      race,
      debug,
    ]),
  );
}

/** As a build server is sent it. */
export function buildMessage(spec: BuildSpec): object {
  return {
    ...(spec.requestId ? { request_id: spec.requestId } : {}),
    rr_version: spec.rrVersion,
    force_rebuild: spec.forceRebuild,
    target_platform: spec.platform,
    plugins: spec.plugins.map(({ moduleName, tag }) => ({ module_name: moduleName, tag })),
    replaces: spec.replaces,
    excludes: spec.excludes,
    race: spec.race,
    debug: spec.debug,
  };
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw refused('The build request is not JSON in UTF-8; send {"rr_version": …, "plugins": […]}.', error);
  }
}

function refused(message: string, cause?: unknown): VelocityError {
  return new VelocityError('BAD_REQUEST', message, { field: 'body', cause });
}

function list<T extends z.ZodType>(one: T): z.ZodArray<T> {
  return z.array(one, 'must be a list').max(MAX_LIST, `must hold at most ${MAX_LIST}`);
}

/** Of the names of protobuf's JSON: in either case, and null is as good as absent. */
function message<T extends z.ZodRawShape>(shape: T) {
  const strict = z.strictObject(shape, {
    error: ({ code }) => (code === 'invalid_type' ? 'must be a JSON object' : undefined),
  });
  return z.preprocess(inSnakeCase, strict);
}

function inSnakeCase(raw: unknown): unknown {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return raw;
  const fields = Object.entries(raw).filter(([, value]) => value !== null);
  const names = new Set(fields.map(([name]) => name));
  return Object.fromEntries(
    fields.map(([name, value]) => {
      const snake = IN_SNAKE_CASE.get(name) ?? name;
      return [names.has(snake) ? name : snake, value]; // said twice: the second is an unknown field
    }),
  );
}
