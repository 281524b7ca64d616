import { parseByteSize, spellByteSize } from '../base/byte-size.ts';
import { parseDuration, spellDuration } from '../base/duration.ts';
import { parseAddressRange } from '../base/ip-address.ts';
import { parseByteRate, parseRequestRate, type Rate, spellByteRate, spellRequestRate } from '../base/rate.ts';
import { isScopeName } from '../base/scope-name.ts';
import { Secret } from '../base/secret.ts';

/** A JSON Schema, as far as this project writes them. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** How one kind of value is read from text or YAML, described and shown in a schema. */
export interface Kind<T> {
  /** What a right value looks like, to end "expected …": `a port between 0 and 65535`. */
  readonly expects: string;
  readonly schema: JsonSchema;
  /** Its values are never shown, and are `Secret`s. */
  readonly isSecret?: true;
  /** Reads a string (environment, flag) or a YAML scalar; `undefined` refuses it. */
  parse(raw: unknown): T | undefined;
  /** Writes a value as people would, where its plain text is not that: `15m`, not `900000`. */
  show?(value: T): string;
}

export function text(): Kind<string> {
  return {
    expects: 'some text',
    schema: { type: 'string', minLength: 1 },
    parse: (raw) => scalarText(raw) || undefined,
  };
}

/** Text that is never shown again; the environment also offers it as `…_FILE`. */
export function secret(): Kind<Secret> {
  return {
    expects: 'some text, not empty',
    schema: { type: 'string', minLength: 1 },
    isSecret: true,
    parse(raw) {
      const value = scalarText(raw);
      return value ? new Secret(value) : undefined;
    },
  };
}

/**
 * Options by name, of which nobody here knows which are secret; so all are. In a file a map, in the environment a map of
 * JSON.
 */
export function secretOptions(): Kind<Readonly<Record<string, Secret>>> {
  return {
    expects: 'a map of options, each some text (in the environment as JSON)',
    schema: {
      type: 'object',
      minProperties: 1,
      propertyNames: { pattern: OPTION_NAME.source },
      additionalProperties: { type: ['string', 'number', 'boolean'] },
    },
    isSecret: true,
    parse(raw) {
      const map = typeof raw === 'string' ? parseJson(raw) : raw;
      if (typeof map !== 'object' || map === null || Array.isArray(map)) return undefined;
      const options = Object.entries(map).map(([name, value]) => [name, scalarText(value)] as const);
      if (options.length === 0) return undefined;
      if (!options.every(([name, value]) => OPTION_NAME.test(name) && value)) return undefined;
      return Object.fromEntries(options.map(([name, value]) => [name, new Secret(value ?? '')]));
    },
    show: (options) =>
      Object.entries(options)
        .map(([name, value]) => `${name}=${value}`)
        .join(', '),
  };
}

const OPTION_NAME = /^[a-z0-9_]+$/;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A secret that travels in an Authorization header: visible ASCII without blanks, or no client could send it. RFC 6750 §2.1. */
export function bearerToken(): Kind<Secret> {
  const { schema } = secret();
  return {
    expects: 'a token of visible ASCII characters without blanks',
    schema,
    isSecret: true,
    parse(raw) {
      const value = scalarText(raw);
      return value !== undefined && /^[!-~]+$/.test(value) ? new Secret(value) : undefined;
    },
  };
}

export function isSecretKind(kind: Kind<unknown>): boolean {
  return kind.isSecret === true;
}

export function wholeNumber(min: number, max: number, noun = 'a whole number'): Kind<number> {
  return {
    expects: `${noun} between ${min} and ${max}`,
    schema: { type: 'integer', minimum: min, maximum: max },
    parse(raw) {
      const written = scalarText(raw);
      if (written === undefined || !/^\d{1,15}$/.test(written)) return undefined;
      const value = Number(written);
      return value >= min && value <= max ? value : undefined;
    },
  };
}

/** A part of a whole: `0.1`. */
export function ratio(): Kind<number> {
  return {
    expects: 'a number between 0 and 1',
    schema: { type: 'number', minimum: 0, maximum: 1 },
    parse(raw) {
      const written = scalarText(raw);
      if (written === undefined || !/^(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})$/.test(written))
        return undefined;
      const value = Number(written);
      return value <= 1 ? value : undefined;
    },
  };
}

/** A part of a whole that is not all of it: `0.99`. */
export function quantile(): Kind<number> {
  const { parse } = ratio();
  return {
    expects: 'a number from 0 to below 1',
    schema: { type: 'number', minimum: 0, exclusiveMaximum: 1 },
    parse(raw) {
      const value = parse(raw);
      return value === 1 ? undefined : value;
    },
  };
}

export function trueOrFalse(): Kind<boolean> {
  const words: ReadonlyMap<string, boolean> = new Map([
    ['true', true],
    ['1', true],
    ['yes', true],
    ['false', false],
    ['0', false],
    ['no', false],
  ]);
  return {
    expects: 'true or false',
    schema: { type: 'boolean' },
    parse: (raw) => words.get(scalarText(raw)?.toLowerCase() ?? ''),
  };
}

export function oneOf<const T extends string>(choices: readonly T[]): Kind<T> {
  return {
    expects: choices.map((choice) => `"${choice}"`).join(' or '),
    schema: { type: 'string', enum: choices },
    parse: (raw) => choices.find((choice) => choice === scalarText(raw)),
  };
}

/** Bytes, written for people: `256MiB`. */
export function byteSize(): Kind<number> {
  return {
    expects: 'a size such as 512MiB or 5GiB',
    schema: { type: ['string', 'integer'] },
    parse(raw) {
      const written = scalarText(raw);
      return written === undefined ? undefined : parseByteSize(written);
    },
    show: spellByteSize,
  };
}

/** Milliseconds, written for people: `30s`, `7d`. */
export function duration(): Kind<number> {
  return {
    expects: 'a duration such as 30s, 15m or 7d',
    schema: { type: 'string' },
    parse(raw) {
      const written = scalarText(raw);
      return written === undefined ? undefined : parseDuration(written);
    },
    show: spellDuration,
  };
}

/** Requests in a period: `600/m`. */
export function requestRate(): Kind<Rate> {
  return {
    expects: 'a number of requests in a s, m, h or d, such as 100/s or 6000/m',
    schema: { type: 'string' },
    parse: (raw) => parseRequestRate(scalarText(raw) ?? ''),
    show: spellRequestRate,
  };
}

/** Bytes in a period: `50GiB/h`. */
export function byteRate(): Kind<Rate> {
  return {
    expects: 'a size in a s, m, h or d, such as 20MiB/s or 50GiB/h',
    schema: { type: 'string' },
    parse: (raw) => parseByteRate(scalarText(raw) ?? ''),
    show: spellByteRate,
  };
}

/** Addresses and CIDR ranges, with commas between them or as a list. */
export function addressRanges(): Kind<readonly string[]> {
  return {
    expects: 'addresses or ranges such as 10.0.0.0/8 or 2001:db8::/32, with commas between them',
    schema: { type: ['string', 'array'], items: { type: 'string' } },
    parse(raw) {
      const ranges = listOf(raw);
      return ranges?.every(parseAddressRange) ? ranges : undefined;
    },
    show: (ranges) => ranges.join(', '),
  };
}

/** Names of what is configured elsewhere, with commas between them or as a list. */
export function names(what: string): Kind<readonly string[]> {
  return {
    expects: `names of ${what} with commas between them`,
    schema: { type: ['string', 'array'], minLength: 1, minItems: 1, items: { type: 'string' } },
    parse(raw) {
      const given = listOf(raw);
      return given?.every((name) => name !== '') ? given : undefined;
    },
    show: (given) => given.join(', '),
  };
}

/** `*`: every tenant. */
export function tenantNames(): Kind<readonly string[]> {
  return {
    expects: 'names of tenants with commas between them, or "*" for all',
    schema: { type: ['string', 'array'], items: { type: 'string' } },
    parse(raw) {
      const names = listOf(raw);
      return names?.every((name) => name === '*' || isScopeName(name)) ? names : undefined;
    },
    show: (names) => names.join(', '),
  };
}

export function httpUrl(): Kind<string> {
  return {
    expects: 'a URL that begins with http:// or https://',
    schema: { type: 'string', format: 'uri' },
    parse(raw) {
      const written = scalarText(raw);
      if (written === undefined || !/^https?:\/\//i.test(written) || !URL.canParse(written)) return undefined;
      return written.replace(/\/+$/, '');
    },
  };
}

/** Text with commas, or a list of texts; never empty. */
function listOf(raw: unknown): readonly string[] | undefined {
  const texts = Array.isArray(raw) ? raw.map(scalarText) : scalarText(raw)?.split(',');
  return texts?.length ? texts.map((text) => text?.trim() ?? '') : undefined;
}

function scalarText(raw: unknown): string | undefined {
  if (typeof raw === 'string') return raw.trim();
  if (typeof raw === 'number' || typeof raw === 'boolean') return String(raw);
  return undefined;
}
