import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { preconditions, type Verdict } from './preconditions.ts';

const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';
const current = { etag: 'a', modifiedAt: Date.parse(DATE) + 400 };
const EARLIER = 'Sun, 06 Nov 1994 08:49:36 GMT';
const LATER = 'Sun, 06 Nov 1994 08:49:38 GMT';

const CASES: readonly [method: string, headers: Record<string, string>, verdict: Verdict][] = [
  ['GET', {}, 'go-on'],
  ['GET', { 'if-none-match': '"a"' }, 'not-modified'],
  ['HEAD', { 'if-none-match': '"b", W/"a"' }, 'not-modified'],
  ['GET', { 'if-none-match': '*' }, 'not-modified'],
  ['GET', { 'if-none-match': ', "b",, ,"a",' }, 'not-modified'],
  ['PUT', { 'if-match': ',"b" , , "a"' }, 'go-on'],
  ['PUT', { 'if-match': ',' }, 'failed'],
  ['GET', { 'if-none-match': '"b"' }, 'go-on'],
  ['GET', { 'if-none-match': 'a' }, 'go-on'],
  ['PUT', { 'if-none-match': '*' }, 'failed'],
  ['PUT', { 'if-none-match': '"a"' }, 'failed'],
  ['PUT', { 'if-match': '"a"' }, 'go-on'],
  ['PUT', { 'if-match': '"b", "a"' }, 'go-on'],
  ['PUT', { 'if-match': 'W/"a"' }, 'failed'],
  ['GET', { 'if-match': '"b"' }, 'failed'],
  ['GET', { 'if-modified-since': DATE }, 'not-modified'],
  ['GET', { 'if-modified-since': LATER }, 'not-modified'],
  ['GET', { 'if-modified-since': EARLIER }, 'go-on'],
  ['GET', { 'if-modified-since': 'yesterday' }, 'go-on'],
  ['GET', { 'if-modified-since': '1994' }, 'go-on'],
  ['PUT', { 'if-modified-since': LATER }, 'go-on'],
  ['GET', { 'if-none-match': '"b"', 'if-modified-since': LATER }, 'go-on'],
  ['GET', { 'if-unmodified-since': DATE }, 'go-on'],
  ['GET', { 'if-unmodified-since': EARLIER }, 'failed'],
  ['GET', { 'if-match': '"a"', 'if-unmodified-since': EARLIER }, 'go-on'],
  ['GET', { range: 'bytes=0-1', 'if-range': '"a"' }, 'go-on'],
  ['GET', { range: 'bytes=0-1', 'if-range': 'W/"a"' }, 'whole'],
  ['GET', { range: 'bytes=0-1', 'if-range': '"b"' }, 'whole'],
  ['GET', { range: 'bytes=0-1', 'if-range': DATE }, 'go-on'],
  ['GET', { range: 'bytes=0-1', 'if-range': LATER }, 'whole'],
  ['GET', { 'if-range': '"b"' }, 'go-on'],
];

for (const [method, headers, verdict] of CASES)
  test(`${method} with ${JSON.stringify(headers)}: ${verdict}`, () => {
    assert.equal(preconditions(method, headers, current), verdict);
  });

test('of what is not there nothing matches', () => {
  assert.equal(preconditions('PUT', { 'if-match': '*' }, undefined), 'failed');
  assert.equal(preconditions('PUT', { 'if-none-match': '*' }, undefined), 'go-on');
  assert.equal(preconditions('GET', { 'if-modified-since': LATER }, undefined), 'go-on');
});

test('one of many tags is found wherever it stands, and none within another', () => {
  const opaque = fc.stringMatching(/^[!#-~]{0,8}$/);
  fc.assert(
    fc.property(fc.array(opaque, { minLength: 1 }), fc.boolean(), (tags, weak) => {
      const field = tags.map((tag) => `${weak ? 'W/' : ''}"${tag}"`).join(', ');
      const found = preconditions('GET', { 'if-none-match': field }, { etag: 'x,y', modifiedAt: 0 });
      assert.equal(found, tags.includes('x,y') ? 'not-modified' : 'go-on');
      const last = { etag: tags.at(-1) ?? '', modifiedAt: 0 };
      assert.equal(preconditions('GET', { 'if-none-match': field }, last), 'not-modified');
    }),
  );
});
