import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { escapeXml, multistatus } from './webdav.ts';

const FACTS = {
  sizeBytes: 42,
  digest: undefined,
  contentType: undefined,
  etag: 'a"<&',
  modifiedAt: Date.UTC(2026, 0, 2, 3, 4, 5),
  metadata: {},
};

test('a file has its length, its time and no type; a collection says that it is one', () => {
  const file = multistatus('/webdav/a', FACTS);
  assert.match(file, /<D:getlastmodified>Fri, 02 Jan 2026 03:04:05 GMT<\/D:getlastmodified>/);
  assert.match(file, /<D:getcontentlength>42<\/D:getcontentlength>/);
  assert.match(file, /<D:resourcetype\/>/);
  assert.match(multistatus('/webdav/a/', undefined), /<D:resourcetype><D:collection\/><\/D:resourcetype>/);
});

test('whatever stands in an address or a tag, the answer is well-formed and says the same', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const escaped = escapeXml(text);
      assert.doesNotMatch(escaped, /[<>"']|&(?!#\d+;)/);
      assert.equal(
        escaped.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))),
        text,
      );
    }),
  );
  assert.doesNotMatch(multistatus('/webdav/"><D:x/>', FACTS), /<D:x\/>|a"</);
});
