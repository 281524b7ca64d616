import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { simpleChunksIn } from './simple-chunks.ts';

test('chunks that are all there are their body, however it was cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })),
      fc.uint8Array(),
      fc.func(fc.boolean()),
      (parts, before, isUpper) => {
        const lines = parts.flatMap((part) => {
          const size = part.length.toString(16);
          return [Buffer.from(`${isUpper(part) ? size.toUpperCase() : size}\r\n`), part, Buffer.from('\r\n')];
        });
        const piece = Buffer.concat([before, ...lines, Buffer.from('0\r\n\r\n')]);
        assert.deepEqual(Buffer.from(simpleChunksIn(piece, before.length) ?? []), Buffer.concat(parts));
      },
    ),
  );
});

test('whatever is cut off, added or changed, it is no body that is longer or shorter than was said', () => {
  const whole = '5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n';
  for (let end = 0; end < whole.length; end++)
    assert.equal(simpleChunksIn(Buffer.from(whole.slice(0, end)), 0), undefined, `cut at ${end}`);
  for (const added of ['\r\n', 'x', '0\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\n'])
    assert.equal(simpleChunksIn(Buffer.from(whole + added), 0), undefined);
});

const notSimple: Record<string, string> = {
  'an extension': '5;a=b\r\nhello\r\n0\r\n\r\n',
  'a trailer': '5\r\nhello\r\n0\r\nX: y\r\n\r\n',
  'a blank behind a size': '5 \r\nhello\r\n0\r\n\r\n',
  'a size in C': '0x5\r\nhello\r\n0\r\n\r\n',
  'a size beyond all memory': '100000005\r\nhello\r\n0\r\n\r\n',
  'no size': '\r\nhello\r\n0\r\n\r\n',
  'lines that end in LF': '5\nhello\n0\n\n',
  'more than its size': '5\r\nhello!\r\n0\r\n\r\n',
  'a last chunk of several digits': '5\r\nhello\r\n00\r\n\r\n',
};

for (const [what, chunks] of Object.entries(notSimple))
  test(`chunks with ${what} are not simple`, () =>
    assert.equal(simpleChunksIn(Buffer.from(chunks), 0), undefined));
