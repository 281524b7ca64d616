import { rememberedLines } from '../base/remembered.ts';
import {
  MOST_SECONDS,
  parseSeconds,
  type RequestDirectives,
  type ResponseDirectives,
  type Seconds,
} from './directives.ts';
import { type Fields, fieldLines, hasField } from './fields.ts';
import { listMembers, unquoted } from './list-members.ts';

/** By name in lower case; each the arguments of all its occurrences in order, `undefined` for none. */
type Occurrences = ReadonlyMap<string, readonly (string | undefined)[]>;

/**
 * The Cache-Control of a response. It is never refused: a directive that restricts holds however it is written, one that
 * permits only where it can be read. Of several values the first counts. RFC 9111 §4.2.1, §5.2.
 */
export function responseDirectives(fields: Fields): ResponseDirectives {
  return saidIn(fieldLines(fields, 'cache-control'));
}

const saidIn = rememberedLines((lines): ResponseDirectives => {
  const found = occurrences(lines);
  return {
    noStore: found.has('no-store'),
    noCache: isUnqualified(found, 'no-cache'),
    noCacheFields: namedFields(found, 'no-cache'),
    private: isUnqualified(found, 'private'),
    privateFields: namedFields(found, 'private'),
    public: found.has('public'),
    mustRevalidate: found.has('must-revalidate'),
    proxyRevalidate: found.has('proxy-revalidate'),
    mustUnderstand: found.has('must-understand'),
    maxAge: found.has('max-age') ? (seconds(found, 'max-age') ?? 0) : undefined,
    sMaxage: found.has('s-maxage') ? (seconds(found, 's-maxage') ?? 0) : undefined,
    staleWhileRevalidate: seconds(found, 'stale-while-revalidate'),
    staleIfError: seconds(found, 'stale-if-error'),
  };
});

/** `undefined`: nothing that this cache knows. Pragma is not looked at, which RFC 9111 §5.4 has retired. */
export function requestDirectives(fields: Fields): RequestDirectives | undefined {
  if (!hasField(fields, 'cache-control')) return undefined;
  const found = occurrences(fieldLines(fields, 'cache-control'));
  const directives: RequestDirectives = {
    noStore: found.has('no-store'),
    noCache: found.has('no-cache'),
    onlyIfCached: found.has('only-if-cached'),
    maxAge: seconds(found, 'max-age'),
    minFresh: seconds(found, 'min-fresh'),
    // RFC 9111 §5.2.1.2: without a number, a response of any age will do.
    maxStale: isUnqualified(found, 'max-stale') ? MOST_SECONDS : seconds(found, 'max-stale'),
  };
  return Object.values(directives).some((value) => value !== false && value !== undefined)
    ? directives
    : undefined;
}

/** @param lines each is read for itself: no quote reaches from one into the next */
function occurrences(lines: readonly string[]): Occurrences {
  const found = new Map<string, (string | undefined)[]>();
  for (const member of lines.flatMap(listMembers)) {
    const equals = member.indexOf('=');
    const written = equals < 0 ? member : member.slice(0, equals);
    const name = written.trimEnd().toLowerCase();
    // RFC 9111 §5.2: no space beside the `=`. The directive is still there, its argument is no argument.
    const argument = equals < 0 ? undefined : written === written.trimEnd() ? member.slice(equals + 1) : ' ';
    const earlier = found.get(name);
    if (earlier) earlier.push(argument);
    else found.set(name, [argument]);
  }
  return found;
}

function seconds(found: Occurrences, name: string): Seconds | undefined {
  const first = found.get(name)?.[0];
  return first === undefined ? undefined : parseSeconds(unquoted(first));
}

/** RFC 9111 §5.2.2.4: without names of fields it is about the whole response; names that cannot be read are none. */
function isUnqualified(found: Occurrences, name: string): boolean {
  return found.get(name)?.some((argument) => fieldsIn(argument).length === 0) ?? false;
}

function namedFields(found: Occurrences, name: string): readonly string[] {
  return found.get(name)?.flatMap(fieldsIn) ?? [];
}

/** Quoted as it should be, or bare, which recipients ought to take as well. RFC 9111 §5.2. */
function fieldsIn(argument: string | undefined): readonly string[] {
  const names = listMembers(unquoted(argument ?? '')).map((name) => name.toLowerCase());
  return names.every((name) => TOKEN.test(name)) ? names : [];
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
