import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import fc from 'fast-check';
import { MAX_LINES, parseLineRange } from './line-range.ts';
import { cutLines, type Lines, linesBody, linesFields } from './lines.ts';

const files = fc.array(fc.string({ unit: fc.constantFrom('a', '\n', '\r', '\xff'), maxLength: 6 }), {
  maxLength: 8,
});
const numbers = fc.integer({ min: 1, max: 12 });

function cut(file: readonly string[], range: string, maxBytes?: number): Promise<Lines> {
  return cutLines(streamOf(file), parseLineRange(range), maxBytes);
}

function streamOf(file: readonly string[]): Readable {
  return Readable.from(file.map((chunk) => Buffer.from(chunk, 'latin1')));
}

function textOf({ chunks }: Lines): string {
  return Buffer.concat(chunks).toString('latin1');
}

/** With their ends; what the code under test must agree with. */
function linesOf(file: readonly string[]): string[] {
  return file.join('').match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

test('lines from one to another are those of the file, however it comes in pieces', async () => {
  await fc.assert(
    fc.asyncProperty(files, numbers, fc.option(numbers), async (file, a, b) => {
      const all = linesOf(file);
      const [first, last] = b === null ? [a, undefined] : [Math.min(a, b), Math.max(a, b)];
      const cutting = cut(file, `${first}-${last ?? ''}`);
      if (first > 1 && first > all.length) {
        await assert.rejects(cutting, {
          code: 'RANGE_UNSATISFIABLE',
          message: new RegExp(` ${all.length} `),
        });
        return;
      }
      const lines = await cutting;
      const wanted = all.slice(first - 1, last);
      assert.equal(textOf(lines), wanted.join(''));
      assert.equal(lines.sizeBytes, wanted.join('').length);
      assert.deepEqual(
        lines.span,
        wanted.length === 0 ? undefined : { first, last: first + wanted.length - 1 },
      );
      assert.equal(lines.total, (last ?? Number.POSITIVE_INFINITY) < all.length ? undefined : all.length);
    }),
    { numRuns: 1000 },
  );
});

test('the last lines are those of the file, or do not find room', async () => {
  await fc.assert(
    fc.asyncProperty(files, numbers, fc.integer({ min: 1, max: 40 }), async (file, count, maxBytes) => {
      const all = linesOf(file);
      const wanted = all.slice(-count);
      const cutting = cut(file, `-${count}`, maxBytes);
      if (wanted.join('').length > maxBytes) {
        await assert.rejects(cutting, { code: 'BODY_TOO_LARGE', field: 'lines' });
        return;
      }
      const lines = await cutting;
      assert.equal(textOf(lines), wanted.join(''));
      assert.equal(lines.sizeBytes, wanted.join('').length);
      assert.deepEqual(
        lines.span,
        all.length === 0 ? undefined : { first: all.length - wanted.length + 1, last: all.length },
      );
      assert.equal(lines.total, all.length);
    }),
    { numRuns: 2000 },
  );
});

test('a file is read no further than its lines reach, and then let go', async () => {
  let read = 0;
  const file = new Readable({
    highWaterMark: 1,
    read() {
      read++;
      this.push(Buffer.from(`line ${read}\n`));
    },
  });
  const lines = await cutLines(file, { first: 2, last: 3 });
  assert.equal(textOf(lines), 'line 2\nline 3\n');
  assert.equal(lines.total, undefined);
  assert.ok(read < 20, `${read}`);
  assert.equal(file.destroyed, true);
});

test('lines that find no room are refused with what to do, as soon as they do not', async () => {
  const endless = new Readable({
    read() {
      this.push(Buffer.alloc(100, 'x'));
    },
  });
  await assert.rejects(cutLines(endless, { first: 1, last: 2 }, 1000), {
    code: 'BODY_TOO_LARGE',
    message: /Range/,
  });
  assert.equal(endless.destroyed, true);
  assert.equal(textOf(await cut(['12345\n', '6789'], '1', 6)), '12345\n');
  await assert.rejects(cut(['12345\n', '6789'], '2', 5), { code: 'BODY_TOO_LARGE' });
  assert.equal(textOf(await cut(['12345\n', '6789'], '2-', 4)), '6789', 'what is left out needs no room');
});

test('a long line far before the last ones costs them nothing', async () => {
  const long = Array.from({ length: 100 }, () => 'x'.repeat(100));
  assert.equal(textOf(await cut([...long, '\na\n', 'b\n'], '-2', 10)), 'a\nb\n');
});

test('an answer to the end of a file has no more lines than any', async () => {
  const full = '\n'.repeat(MAX_LINES);
  assert.deepEqual((await cut([`a\n${full}`], '2-')).span, { first: 2, last: MAX_LINES + 1 });
  await assert.rejects(cut([`a\n${full}`, 'b'], '2-'), { code: 'BODY_TOO_LARGE', message: /100000 lines/ });
});

test('a file that fails is a failure', async () => {
  const failing = (): Readable =>
    Readable.from(
      (function* () {
        yield Buffer.from('a\nb');
        throw new Error('torn');
      })(),
    );
  for (const range of ['5', '2-', '-1'])
    await assert.rejects(cutLines(failing(), parseLineRange(range)), /torn/);
});

test('the head says which lines follow, and of how many where the end was seen', async () => {
  const some = await cut(['a\nb\n', 'c\n'], '1-2');
  assert.deepEqual(linesFields(some), ['content-length', '4', 'x-line-range', '1-2']);
  assert.equal((await buffer(linesBody(some))).toString(), 'a\nb\n');
  assert.deepEqual(linesFields(await cut(['a\nb\nc'], '-1')), [
    ...['content-length', '1', 'x-line-range', '3-3', 'x-total-lines', '3'],
  ]);
  const none = await cut([], '10');
  assert.deepEqual(linesFields(none), ['content-length', '0', 'x-total-lines', '0']);
  assert.equal((await buffer(linesBody(none))).length, 0);
});
