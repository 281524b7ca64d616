import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PageLayout } from './page-layout.ts';

const layout = new PageLayout(10);

test('the parts of the pages that a span touches are the span, and no page is touched for nothing', () => {
  const spans = fc
    .record({ pageBytes: fc.integer({ min: 1, max: 40 }), ends: fc.tuple(fc.nat(200), fc.nat(200)) })
    .map(({ pageBytes, ends: [a, b] }) => ({ pageBytes, first: Math.min(a, b), last: Math.max(a, b) }));
  fc.assert(
    fc.property(spans, fc.nat(50), ({ pageBytes, first, last }, more) => {
      const pages = new PageLayout(pageBytes);
      const sizeBytes = last + 1 + more;
      const touched = pages.pagesOf({ first, last });
      let next = first;
      for (let page = touched.first; page <= touched.last; page++) {
        const part = pages.partOf(page, { first, last });
        assert.ok(part.first <= part.last);
        const [inBody, whole] = [pages.inBody(page, part), pages.spanOf(page, sizeBytes)];
        assert.equal(inBody.first, next);
        assert.ok(whole.first <= inBody.first && inBody.last <= whole.last);
        next = inBody.last + 1;
      }
      assert.equal(next, last + 1);
      assert.ok(touched.last < pages.count(sizeBytes));
    }),
  );
});

test('the last page ends where the body does', () => {
  assert.deepEqual(layout.spanOf(2, 25), { first: 20, last: 24 });
  assert.deepEqual(layout.spanOf(2, 30), { first: 20, last: 29 });
  assert.deepEqual(
    [25, 30, 31].map((sizeBytes) => layout.count(sizeBytes)),
    [3, 3, 4],
  );
});

test('no two pages have one key: not of two sizes of pages, versions or bodies, nor a page and a body', () => {
  const version = { etag: 'e', sizeBytes: 25 };
  const keys = [
    'b/k',
    layout.firstKey('b/k'),
    new PageLayout(11).firstKey('b/k'),
    layout.firstKey('b/k2'),
    layout.laterKey('b/k', 1, version),
    layout.laterKey('b/k', 2, version),
    layout.laterKey('b/k', 1, { ...version, etag: 'f' }),
    layout.laterKey('b/k', 1, { ...version, etag: 'e\n1' }),
    layout.laterKey('b/k', 1, { ...version, sizeBytes: 26 }),
    new PageLayout(11).laterKey('b/k', 1, version),
  ];
  assert.equal(new Set(keys).size, keys.length);
});
