import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAME_AT, dateIn, fieldsOf, request, response } from '../../test/rig/heads.ts';
import { fieldValue, hasField } from './fields.ts';
import { type CachePolicy, RFC_POLICY } from './policy.ts';
import type { RequestHead } from './request-facts.ts';
import { fieldsToStore, isWholeBody, mayStay, storability } from './storability.ts';

/** `whole`, `part`, or why not. */
function judge(
  lines: readonly string[],
  status = 200,
  asked: RequestHead = request(),
  policy: Partial<CachePolicy> = {},
): string {
  const verdict = storability(asked, response(lines, status), { ...RFC_POLICY, ...policy });
  return verdict.kind === 'store' ? verdict.as : verdict.reason;
}

const FRESH = 'Cache-Control: max-age=60';

test('what is fresh for a while is stored, whatever its status', () => {
  for (const status of [
    200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599,
  ])
    assert.equal(judge([FRESH], status), 'whole', String(status));
});

test('so is what can be validated, where its status allows it', () => {
  assert.equal(judge(['ETag: "a"']), 'whole');
  assert.equal(judge(['Cache-Control: no-cache', 'ETag: "a"']), 'whole');
  assert.equal(judge([`Last-Modified: ${dateIn(-5)}`]), 'whole');
  assert.equal(judge(['ETag: "a"'], 403), 'not-cacheable');
  assert.equal(judge(['ETag: "a"', 'Cache-Control: public'], 403), 'whole');
});

test('what could never be used is not stored', () => {
  for (const lines of [
    [],
    ['Cache-Control: max-age=0'],
    ['Cache-Control: max-age=60, no-cache'],
    [FRESH, 'Age: 60'],
  ])
    assert.equal(judge(lines), 'nothing-to-reuse', lines.join());
  for (const words of ['stale-while-revalidate=60', 'stale-while-revalidate=0, stale-if-error=60'])
    assert.equal(judge([`Cache-Control: max-age=0, ${words}`]), 'whole', words);
  assert.equal(judge(['Cache-Control: max-age=0, stale-if-error=60, must-revalidate']), 'nothing-to-reuse');
});

test('interim responses, and answers to conditions or ranges, are not stored', () => {
  assert.equal(judge([FRESH], 103), 'interim');
  for (const status of [304, 412]) assert.equal(judge([FRESH], status), 'answers-a-condition');
  assert.equal(judge([FRESH], 416), 'answers-a-range');
  assert.equal(judge([FRESH], 400, request(['Range: bytes=x'])), 'answers-a-range');
  assert.equal(judge([FRESH], 200, request(['Range: bytes=0-1'])), 'whole');
});

test('no-store and private forbid it, and a request can forbid it, too', () => {
  assert.equal(judge(['Cache-Control: max-age=60, No-Store', 'ETag: "a"']), 'no-store');
  assert.equal(judge(['Cache-Control: private, max-age=60']), 'private');
  assert.equal(judge(['Cache-Control: private="a", max-age=60']), 'whole');
  assert.equal(judge([FRESH], 200, request(['Cache-Control: no-store'])), 'request-no-store');
});

test('must-understand lifts no-store of a status that is understood, and forbids all others', () => {
  const line = 'Cache-Control: max-age=60, no-store, must-understand';
  assert.equal(judge([line], 200), 'whole');
  assert.equal(judge([line], 599), 'status-not-understood');
});

test('a targeted field is asked instead of Cache-Control', () => {
  assert.equal(judge(['Cache-Control: no-store', 'CDN-Cache-Control: max-age=60']), 'whole');
  for (const word of ['no-store', 'private'])
    assert.equal(judge([FRESH, `CDN-Cache-Control: ${word}`]), word);
  assert.equal(judge(['Cache-Control: no-store', 'CDN-Cache-Control: max-age="60"']), 'no-store');
});

test('the answer to an authorized request is stored only where the origin says so', () => {
  const authorized = request(['Authorization: Basic eA==']);
  assert.equal(judge([FRESH], 200, authorized), 'authorization');
  for (const words of ['max-age=60, public', 'max-age=60, must-revalidate', 's-maxage=60'])
    assert.equal(judge([`Cache-Control: ${words}`], 200, authorized), 'whole', words);
  for (const words of ['max-age=60, proxy-revalidate', 'max-age=60, immutable'])
    assert.equal(judge([`Cache-Control: ${words}`], 200, authorized), 'authorization', words);
});

test('a response with Set-Cookie is stored where it says for how long, unless the operator says never', () => {
  assert.equal(judge([FRESH, 'Set-Cookie: a=b']), 'whole');
  assert.equal(judge(['ETag: "a"', 'Set-Cookie: a=b']), 'set-cookie');
  assert.equal(judge([`Last-Modified: ${dateIn(-5000)}`, 'Set-Cookie: a=b']), 'set-cookie');
  assert.equal(judge([FRESH, 'Set-Cookie: a=b'], 200, request(), { neverWithSetCookie: true }), 'set-cookie');
});

test('what varies on everything is not stored', () => {
  for (const vary of ['*', '*, *', ', *', 'Foo, *', '*, Foo', 'no name'])
    assert.equal(judge([FRESH, `Vary: ${vary}`]), 'vary-star', vary);
  assert.equal(judge([FRESH, 'Vary:', 'Vary: *']), 'vary-star');
});

test('a part is stored where it says which, and says so truly', () => {
  assert.equal(judge([FRESH, 'Content-Range: bytes 4-8/10', 'Content-Length: 5'], 206), 'part');
  assert.equal(judge([FRESH, 'Content-Range: bytes 4-9/10', 'Content-Length: 5'], 206), 'part-unclear');
  for (const range of ['bytes 9-4/10', 'bytes 4-12/10', 'items 0-1/2', 'x'])
    assert.equal(judge([FRESH, `Content-Range: ${range}`], 206), 'part-unclear', range);
  assert.equal(judge([FRESH, 'Content-Type: multipart/byteranges; boundary=x'], 206), 'part-unclear');
});

test('of other methods only a POST is stored, whose answer is said to be that of a GET, and for how long', () => {
  const post = request([], 'POST');
  assert.equal(judge([FRESH, 'Content-Location: /thing'], 200, post), 'whole');
  assert.equal(judge([FRESH, 'Content-Location: http://origin.test/thing'], 200, post), 'whole');
  for (const lines of [
    [FRESH],
    [FRESH, 'Content-Location: /other'],
    ['ETag: "a"', 'Content-Location: /thing'],
  ])
    assert.equal(judge(lines, 200, post), 'method', lines.join());
  assert.equal(judge([FRESH, 'Content-Location: /thing'], 201, post), 'method');
  for (const method of ['HEAD', 'PUT', 'OPTIONS'])
    assert.equal(judge([FRESH, 'Content-Location: /thing'], 200, request([], method)), 'method');
});

test('fields that are for one answer only are not stored', () => {
  const head = response([
    `Date: ${dateIn(0)}`,
    'Cache-Control: max-age=60, no-cache="a, vary", private="b"',
    'Connection: c',
    'A: 1',
    'B: 2',
    'C: 3',
    'D: 4',
    'Vary: D',
  ]);
  const stored = fieldsToStore(head, RFC_POLICY);
  assert.deepEqual(
    ['a', 'b', 'c', 'd', 'connection', 'vary'].map((name) => hasField(stored, name)),
    [false, false, false, true, false, true],
  );
});

test('what has no Date gets that of its coming, and another Date is left as it is', () => {
  const dateOf = (...lines: readonly string[]) =>
    fieldValue(fieldsToStore(response(lines), RFC_POLICY), 'date');
  assert.equal(dateOf(), dateIn(0));
  assert.equal(dateOf('Date: foo'), dateIn(0));
  assert.equal(dateOf(`Date: ${dateIn(-9)}`), dateIn(-9));
});

test('a body is whole that ended in order and is as long as was said', () => {
  const of = (lines: readonly string[], status = 200) => ({ status, fields: fieldsOf(...lines) });
  const said = of(['Content-Length: 5']);
  assert.equal(isWholeBody(said, 5, true), true);
  assert.equal(isWholeBody(said, 4, true), false);
  assert.equal(isWholeBody(said, 5, false), false);
  assert.equal(isWholeBody(of([]), 4, true), true);
  assert.equal(isWholeBody(of(['Content-Length: x']), 5, true), false);
  const range = ['Content-Range: bytes 4-8/10'];
  assert.equal(isWholeBody(of(range, 206), 5, true), true);
  assert.equal(isWholeBody(of(range, 206), 6, true), false);
  assert.equal(isWholeBody(of(range, 200), 6, true), true);
});

test('what a 304 forbids to keep does not stay', () => {
  const stays = (line: string, asked = request()) =>
    mayStay(asked, { ...response([line, 'ETag: "a"']), receivedAt: CAME_AT }, RFC_POLICY);
  assert.equal(stays(FRESH), true);
  for (const line of ['Cache-Control: no-store', 'Cache-Control: private', 'Vary: *'])
    assert.equal(stays(line), false, line);
  assert.equal(stays(FRESH, request(['Authorization: x'])), false);
});
