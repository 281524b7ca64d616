import type { PointInTime } from '../../files/file-reader.ts';
import { parseInstant } from './instant.ts';
import { type LineRange, parseLineRange } from './line-range.ts';
import { Query, refused, refusedTogether } from './query.ts';

/** What a GET or a HEAD asks for. */
export type ReadQuery =
  | {
      readonly kind: 'content';
      /** `undefined`: as it is now. */
      readonly at: PointInTime | undefined;
      readonly lines: LineRange | undefined;
      /** A folder's listing as JSON, whatever the client would rather have. */
      readonly wantsJson: boolean;
    }
  | { readonly kind: 'hash'; readonly at: PointInTime | undefined }
  | { readonly kind: 'stat' }
  | {
      readonly kind: 'history';
      /** Revisions after this one. */
      readonly afterSeq: number | undefined;
      /** Likewise, by the number of an entry of the journal; never beside `afterSeq`. */
      readonly afterId: number | undefined;
      readonly limit: number;
    }
  | {
      readonly kind: 'diff';
      readonly from: PointInTime;
      /** `undefined`: as it is now. */
      readonly to: PointInTime | undefined;
    };

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** What is asked for by a flag, and the parameters that may stand beside it. */
const BESIDE = {
  history: ['after_seq', 'after_id', 'limit', 'json'],
  diff: ['from_seq', 'from_ts', 'to_seq', 'to_ts'],
  hash: ['at', 'revision'],
  stat: ['json'],
} as const;
const KINDS = Object.keys(BESIDE) as (keyof typeof BESIDE)[];
const BESIDE_NONE: readonly string[] = ['at', 'revision', 'lines', 'json'];

const FLAGS = [...KINDS, 'json'];
const OTHERS = [...new Set([...BESIDE_NONE, ...Object.values(BESIDE).flat()])].filter(
  (name) => !FLAGS.includes(name),
);
const SYNONYMS = new Map([['sha256', 'hash']]);

/**
 * @param text what stands after the `?` of the address, not decoded
 * @throws VelocityError `BAD_REQUEST`
 */
export function parseReadQuery(text: string): ReadQuery {
  const query = Query.parse(text, FLAGS, OTHERS, SYNONYMS);
  const kind = kindOf(query);
  switch (kind) {
    case 'content': {
      const lines = query.get('lines');
      return {
        kind,
        at: pointOf(query, 'revision', 'at'),
        lines: lines === undefined ? undefined : parseLineRange(lines),
        wantsJson: query.has('json'),
      };
    }
    case 'hash':
      return { kind, at: pointOf(query, 'revision', 'at') };
    case 'stat':
      return { kind };
    case 'history':
      return historyOf(query);
    case 'diff': {
      const from = pointOf(query, 'from_seq', 'from_ts');
      if (!from) throw refused('from_seq', '"diff" needs "from_seq" or "from_ts": what to compare with.');
      return { kind, from, to: pointOf(query, 'to_seq', 'to_ts') };
    }
  }
}

/** What is asked for, once nothing stands beside it that does not go with it. */
function kindOf(query: Query): ReadQuery['kind'] {
  const [kind, another] = KINDS.filter((name) => query.has(name));
  if (kind !== undefined && another !== undefined) throw refusedTogether(kind, another);
  const allowed: readonly string[] = kind === undefined ? BESIDE_NONE : BESIDE[kind];
  const odd = query.names().find((name) => name !== kind && !allowed.includes(name));
  if (odd !== undefined && BESIDE_NONE.includes(odd) && kind !== undefined) throw refusedTogether(kind, odd);
  if (odd !== undefined) {
    const owner = KINDS.find((name) => (BESIDE[name] as readonly string[]).includes(odd));
    throw refused(odd, `"${odd}" goes with "${owner}" alone.`);
  }
  if (query.has('lines') && query.has('json')) throw refusedTogether('lines', 'json');
  return kind ?? 'content';
}

function historyOf(query: Query): ReadQuery {
  if (query.has('after_seq') && query.has('after_id')) throw refusedTogether('after_seq', 'after_id');
  return {
    kind: 'history',
    afterSeq: query.integer('after_seq', 0),
    afterId: query.integer('after_id', 0),
    limit: query.integer('limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT,
  };
}

function pointOf(query: Query, seqName: string, tsName: string): PointInTime | undefined {
  const seq = query.integer(seqName, 1);
  const time = query.get(tsName);
  if (seq !== undefined && time !== undefined) throw refusedTogether(seqName, tsName);
  if (seq !== undefined) return { seq };
  if (time === undefined) return undefined;
  const ts = parseInstant(time);
  if (ts === undefined)
    throw refused(
      tsName,
      `"${tsName}" is a time as 2030-01-31T12:00:00Z (RFC 3339), or in milliseconds since 1970.`,
    );
  return { ts };
}
