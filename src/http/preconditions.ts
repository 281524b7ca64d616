import type { IncomingHttpHeaders } from 'node:http';

/** What a request's conditions are held against; `undefined`: there is no representation. */
export type Current = { readonly etag: string; readonly modifiedAt: number } | undefined;

/**
 * What becomes of a request: `304` and `412` end it, `whole` goes on without its Range, whose If-Range did not hold.
 */
export type Verdict = 'go-on' | 'whole' | 'not-modified' | 'failed';

/** The conditions of a request in the order of RFC 9110 §13.2.2. Entity tags here are strong and without quotes. */
export function preconditions(method: string, headers: IncomingHttpHeaders, current: Current): Verdict {
  const isRead = method === 'GET' || method === 'HEAD';
  const ifMatch = headers['if-match'];
  const ifUnmodifiedSince = dateOf(headers['if-unmodified-since']);
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, current, 'strong')) return 'failed';
  } else if (ifUnmodifiedSince !== undefined && current && secondsOf(current) > ifUnmodifiedSince)
    return 'failed';

  const ifNoneMatch = headers['if-none-match'];
  const ifModifiedSince = dateOf(headers['if-modified-since']);
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, current, 'weak')) return isRead ? 'not-modified' : 'failed';
  } else if (isRead && ifModifiedSince !== undefined && current && secondsOf(current) <= ifModifiedSince)
    return 'not-modified';

  const ifRange = headers['if-range'];
  if (typeof ifRange !== 'string' || headers.range === undefined || !current) return 'go-on';
  return holdsIfRange(ifRange, current) ? 'go-on' : 'whole';
}

/** RFC 9110 §13.1.5: a strong tag, or exactly the date. */
function holdsIfRange(field: string, current: NonNullable<Current>): boolean {
  if (field.startsWith('"') || field.startsWith('W/')) return matches(field, current, 'strong');
  return dateOf(field) === secondsOf(current);
}

/** RFC 9110 §5.6.1.2: elements of a list may be empty. */
const TAG = /^[\s,]*(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)/;

function matches(field: string, current: Current, comparison: 'strong' | 'weak'): boolean {
  if (!current) return false;
  if (field.trim() === '*') return true;
  let rest = field;
  for (let tag = TAG.exec(rest); tag; tag = TAG.exec(rest)) {
    const [all, weak, opaque] = tag;
    if (opaque === current.etag && (comparison === 'weak' || weak === undefined)) return true;
    rest = rest.slice(all.length);
  }
  return false;
}

/** In seconds, as HTTP counts; a field that is no date is as good as none. RFC 9110 §13.1.3. */
function dateOf(field: string | undefined): number | undefined {
  if (field === undefined || !HTTP_DATE.test(field)) return undefined;
  const milliseconds = Date.parse(field);
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000);
}

/** RFC 9110 §5.6.7, its preferred form: what servers have sent since 1999, and clients send back. */
const HTTP_DATE =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/;

function secondsOf({ modifiedAt }: NonNullable<Current>): number {
  return Math.floor(modifiedAt / 1000);
}
