import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyPatch } from 'diff';
import fc from 'fast-check';
import { parseFilePath } from '../../files/file-path.ts';
import { type DiffSide, MAX_DIFF_BYTES, refuseLargeDiff, unifiedDiff } from './unified-diff.ts';

const PATH = parseFilePath('docs/a.txt');

function side(content: string | Uint8Array, label = 'revision 1'): DiffSide {
  return { bytes: Buffer.from(content), label };
}

function diff(from: string, to: string): Promise<string> {
  return unifiedDiff(PATH, side(from, 'revision 1'), side(to, 'now'));
}

test('a diff is what every tool reads: names, three lines around a change, a missing last line end', async () => {
  assert.equal(
    await diff('1\n2\n3\n4\n5\n6\n7\n8\n', '1\n2\n3\n4\nfive\n6\n7\n8'),
    [
      ...['--- a/docs/a.txt\trevision 1', '+++ b/docs/a.txt\tnow', '@@ -2,7 +2,7 @@', ' 2', ' 3', ' 4'],
      ...['-5', '+five', ' 6', ' 7', '-8', '+8', '\\ No newline at end of file', ''],
    ].join('\n'),
  );
});

test('of an empty file all lines are new', async () => {
  assert.match(await diff('', 'a\n'), /\n@@ -0,0 \+1,1 @@\n\+a\n$/);
  assert.match(await diff('a\n', ''), /\n@@ -1,1 \+0,0 @@\n-a\n$/);
});

test('where nothing changed there is no diff', async () => {
  for (const text of ['', 'a', 'a\n']) assert.equal(await diff(text, text), '');
});

test('a diff makes the newer text of the older one', async () => {
  const texts = fc
    .array(
      fc.tuple(
        fc.constantFrom('', 'a', 'b', 'ü', '+', '-', '\\', '@@', '\ufeff', 'a\rb'),
        fc.constantFrom('\n', '\r\n'),
      ),
    )
    .map((lines) => lines.flat().join(''));
  const ends = fc.constantFrom('', 'end', '\u2028');
  await fc.assert(
    fc.asyncProperty(texts, texts, ends, ends, async (from, to, fromEnd, toEnd) => {
      const patch = await diff(from + fromEnd, to + toEnd);
      if (from + fromEnd === to + toEnd) assert.equal(patch, '');
      else assert.equal(applyPatch(from + fromEnd, patch, { autoConvertLineEndings: false }), to + toEnd);
    }),
    { numRuns: 500 },
  );
});

test('a byte order mark and line ends count', async () => {
  assert.match(await diff('a\n', '\ufeffa\n'), /\n-a\n\+\ufeffa\n$/);
  assert.match(await diff('a\n', 'a\r\n'), /\n-a\n\+a\r\n$/);
});

test('many changes are compared in turns, between which others have theirs', async () => {
  const [from, to] = [lines(100, 'old'), lines(100, 'new')];
  let turns = 0;
  const others = setInterval(() => turns++, 0);
  const times = { atOnceMs: -1, inTurnsMs: 60_000 };
  const patch = await unifiedDiff(PATH, side(`${from}same\n${from}`), side(`${to}same\n${to}`), times);
  clearInterval(others);
  assert.match(patch, /^ same$/m);
  assert.equal(applyPatch(`${from}same\n${from}`, patch), `${to}same\n${to}`);
  assert.ok(turns > 10, `${turns}`);
});

test('where too much changed to find the shortest diff in time, it is not the shortest', async () => {
  const [from, to] = ['0\nold\nsame\nold\n1\n', '0\nnew\nsame\nnew\n1\n'];
  const patch = await unifiedDiff(PATH, side(from), side(to, 'now'), { atOnceMs: -1, inTurnsMs: -1 });
  assert.equal(
    patch,
    [
      ...[
        '--- a/docs/a.txt\trevision 1',
        '+++ b/docs/a.txt\tnow',
        '@@ -1,5 +1,5 @@',
        ' 0',
        '-old',
        '-same',
        '-old',
      ],
      ...['+new', '+same', '+new', ' 1', ''],
    ].join('\n'),
  );
});

test('what is too large to be compared is known by its size, and by its lines', async () => {
  refuseLargeDiff(MAX_DIFF_BYTES, 'revision 1');
  assert.throws(() => refuseLargeDiff(MAX_DIFF_BYTES + 1, 'revision 1'), {
    code: 'BODY_TOO_LARGE',
    message: /^Revision 1 has .* 4\.0 MiB/,
  });
  const large = side(Buffer.alloc(MAX_DIFF_BYTES + 1, 'x'));
  await assert.rejects(unifiedDiff(PATH, side('a'), large), { code: 'BODY_TOO_LARGE' });
  const long = side('\n'.repeat(100_001));
  await assert.rejects(unifiedDiff(PATH, long, side('a')), { code: 'BODY_TOO_LARGE', message: /lines/ });
});

test('what is not a text is not compared', async () => {
  const binaries = [Buffer.from('a\0b'), Buffer.from([0x61, 0xff]), Buffer.from([0xed, 0xa0, 0x80])];
  for (const binary of binaries)
    for (const sides of [
      [side(binary, 'now'), side('a')] as const,
      [side('a'), side(binary, 'now')] as const,
    ])
      await assert.rejects(unifiedDiff(PATH, ...sides), {
        code: 'UNSUPPORTED_BODY',
        message: /^Now is not a text/,
      });
  const late = side(`${'a'.repeat(8 * 1024)}\0`);
  assert.equal(await unifiedDiff(PATH, late, late), '');
});

test('a name that a tool would misread is quoted', async () => {
  const patch = await unifiedDiff(parseFilePath('ü "x".txt'), side('a\n'), side('b\n'));
  assert.match(patch, /^--- "a\/\\303\\274 \\"x\\"\.txt"\trevision 1\n/);
});

function lines(count: number, word: string): string {
  return Array.from({ length: count }, (_, index) => `${word} ${index}\n`).join('');
}
