import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type ByteRange,
  formatByteRange,
  parseByteRange,
  parseContentRange,
  resolveByteRange,
  spanLength,
} from './byte-range.ts';

const offset = fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: Number.MAX_SAFE_INTEGER }));
const ranges: fc.Arbitrary<ByteRange> = fc.oneof(
  offset.map((lastBytes) => ({ lastBytes })),
  offset.map((from) => ({ from, to: undefined })),
  fc.tuple(offset, offset).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) })),
);

test('a range names the same bytes as picking them one by one', () => {
  fc.assert(
    fc.property(ranges, fc.nat({ max: 50 }), (range, size) => {
      const all = Array.from({ length: size }, (_, index) => index);
      const picked =
        'lastBytes' in range
          ? all.filter((index) => index >= size - range.lastBytes)
          : all.filter((index) => index >= range.from && index <= (range.to ?? size));

      const span = resolveByteRange(range, size);

      assert.deepEqual(
        span && [span.first, span.last, spanLength(span)],
        picked.length > 0 ? [picked.at(0), picked.at(-1), picked.length] : undefined,
      );
    }),
  );
});

test('a range reads back from the header that asks for it', () => {
  fc.assert(
    fc.property(ranges, (range) => {
      assert.deepEqual(parseByteRange(formatByteRange(range)), range);
    }),
  );
});

test('what any header is read as says again what it was read as', () => {
  const headers = fc.oneof(
    fc.string(),
    fc
      .string({ unit: fc.constantFrom('0', '1', '9', '-', ',', ' ', '=', '\t') })
      .map((rest) => `bytes=${rest}`),
  );
  fc.assert(
    fc.property(headers, (header) => {
      const range = parseByteRange(header);
      if (range !== undefined) assert.deepEqual(parseByteRange(formatByteRange(range)), range);
    }),
  );
});

test('the unit is read in any case and with blanks around the range', () => {
  assert.deepEqual(parseByteRange('BYTES= \t2-4 '), { from: 2, to: 4 });
});

test('a header that is not one range of bytes is ignored', () => {
  const headers = ['', 'bytes', 'bytes=', 'bytes=-', 'bytes=1', 'bytes=a-b', 'bytes=+1-2', 'bytes=1.5-2'];
  const others = [
    'lines=1-2',
    'bytes=0-1,3-4',
    'bytes=0-1,',
    'bytes =0-1',
    'bytes=1 -2',
    'xbytes=0-1',
    '0-1',
  ];
  for (const header of [...headers, ...others]) assert.equal(parseByteRange(header), undefined, header);
});

test('a range that ends before it begins is ignored, not unsatisfiable', () => {
  assert.equal(parseByteRange('bytes=5-4'), undefined);
});

test('an offset beyond what a number holds exactly is ignored', () => {
  assert.deepEqual(parseByteRange(`bytes=0-${Number.MAX_SAFE_INTEGER}`), {
    from: 0,
    to: Number.MAX_SAFE_INTEGER,
  });
  assert.equal(parseByteRange(`bytes=0-${2n ** 53n}`), undefined);
  assert.equal(parseByteRange(`bytes=${'9'.repeat(400)}-`), undefined);
});

test('a Content-Range says which bytes came, and of how many where that is known', () => {
  fc.assert(
    fc.property(fc.tuple(offset, offset, offset), fc.boolean(), (numbers, isSizeKnown) => {
      const [first, last, size] = numbers.toSorted((a, b) => a - b) as [number, number, number];
      fc.pre(last < size);
      const sizeBytes = isSizeKnown ? size : undefined;
      assert.deepEqual(parseContentRange(`bytes ${first}-${last}/${sizeBytes ?? '*'}`), {
        span: { first, last },
        sizeBytes,
      });
    }),
  );
});

test('what any Content-Range is read as is a part that can be, and says again what was read', () => {
  const digits = fc.oneof(
    fc.nat({ max: 12 }).map(String),
    fc.string({ unit: fc.constantFrom('0', '9', '*') }),
  );
  const headers = fc.oneof(
    fc.string(),
    fc.tuple(digits, digits, digits).map(([first, last, size]) => `bytes ${first}-${last}/${size}`),
  );
  fc.assert(
    fc.property(headers, (header) => {
      const part = parseContentRange(header);
      if (part === undefined) return;
      const { span, sizeBytes } = part;
      assert.ok(span.first <= span.last && span.last < (sizeBytes ?? Number.POSITIVE_INFINITY));
      assert.deepEqual(parseContentRange(`bytes ${span.first}-${span.last}/${sizeBytes ?? '*'}`), part);
    }),
  );
});

test('a Content-Range that tells of no part, or of one that cannot be, is not read', () => {
  const headers = ['', 'bytes', 'bytes */10', 'bytes 0-9', 'bytes 0-9/', 'bytes -9/10', 'bytes 0-/10'];
  const wrong = ['bytes 5-4/10', 'bytes 0-10/10', 'bytes=0-9/10', 'bytes 0-9/10 ', 'lines 0-9/10'];
  const unsafe = [`bytes 0-${2n ** 53n}/*`, `bytes 0-9/${2n ** 53n}`];
  for (const header of [...headers, ...wrong, ...unsafe])
    assert.equal(parseContentRange(header), undefined, header);
});
