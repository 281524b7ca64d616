import { MOST_SECONDS, type ResponseDirectives, type Seconds } from './directives.ts';
import { type Fields, fieldLines } from './fields.ts';
import { listMembers } from './list-members.ts';
import { type BareItem, type Dictionary, parseDictionary } from './structured-dictionary.ts';

/**
 * What a field says that is meant for caches like this one, `CDN-Cache-Control` first of all; it then stands instead of
 * Cache-Control and Expires. `undefined`: it is not there, or not as it has to be, and the next in line is asked.
 * RFC 9213 §2.1, §2.2.
 * @param name in lower case
 */
export function targetedDirectives(fields: Fields, name: string): ResponseDirectives | undefined {
  const lines = fieldLines(fields, name);
  if (lines.length === 0) return undefined;
  const found = parseDictionary(lines);
  // RFC 9213 §2.2: empty is as good as absent.
  if (!found || found.size === 0 || !isWellTyped(found)) return undefined;
  return {
    noStore: isSaid(found, 'no-store'),
    noCache: isSaid(found, 'no-cache') && namedFields(found, 'no-cache').length === 0,
    noCacheFields: namedFields(found, 'no-cache'),
    private: isSaid(found, 'private') && namedFields(found, 'private').length === 0,
    privateFields: namedFields(found, 'private'),
    public: isSaid(found, 'public'),
    mustRevalidate: isSaid(found, 'must-revalidate'),
    proxyRevalidate: isSaid(found, 'proxy-revalidate'),
    mustUnderstand: isSaid(found, 'must-understand'),
    maxAge: seconds(found, 'max-age'),
    sMaxage: seconds(found, 's-maxage'),
    staleWhileRevalidate: seconds(found, 'stale-while-revalidate'),
    staleIfError: seconds(found, 'stale-if-error'),
  };
}

const SECONDS = ['max-age', 's-maxage', 'stale-while-revalidate', 'stale-if-error'] as const;
const MAY_NAME_FIELDS = ['no-cache', 'private'] as const;

/** A known directive of a type it cannot have spoils the field: what else it says was not meant either. */
function isWellTyped(found: Dictionary): boolean {
  const ofType = (name: string, types: readonly BareItem['type'][]): boolean => {
    const item = found.get(name);
    return item === undefined || types.includes(item.type);
  };
  return (
    SECONDS.every((name) => ofType(name, ['integer'])) &&
    MAY_NAME_FIELDS.every((name) => ofType(name, ['boolean', 'string', 'token']))
  );
}

/** Anything but `?0`. */
function isSaid(found: Dictionary, name: string): boolean {
  const item = found.get(name);
  return item !== undefined && !(item.type === 'boolean' && !item.value);
}

/** Less than nothing is nothing. */
function seconds(found: Dictionary, name: (typeof SECONDS)[number]): Seconds | undefined {
  const item = found.get(name);
  return item?.type === 'integer' ? Math.min(Math.max(item.value, 0), MOST_SECONDS) : undefined;
}

function namedFields(found: Dictionary, name: (typeof MAY_NAME_FIELDS)[number]): readonly string[] {
  const item = found.get(name);
  if (item?.type !== 'string' && item?.type !== 'token') return [];
  return listMembers(item.value).map((field) => field.toLowerCase());
}
