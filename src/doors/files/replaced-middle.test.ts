import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyPatch, type StructuredPatch } from 'diff';
import fc from 'fast-check';
import { replacedMiddle } from './replaced-middle.ts';

const texts = fc
  .array(fc.constantFrom('a\n', 'b\n', '\n', 'a\r\n'), { maxLength: 12 })
  .chain((lines) => fc.constantFrom('', 'end').map((end) => lines.join('') + end));

function patchOf(before: string, after: string): StructuredPatch {
  const names = { oldFileName: 'a', newFileName: 'b', oldHeader: '', newHeader: '' };
  return { ...names, hunks: [replacedMiddle(before, after, 3)] };
}

test('it makes the newer text of the older one', () => {
  fc.assert(
    fc.property(texts, texts, (before, after) => {
      fc.pre(before !== after);
      assert.equal(applyPatch(before, patchOf(before, after), { autoConvertLineEndings: false }), after);
    }),
    { numRuns: 1000 },
  );
});

test('what is the same before the first change and behind the last is left out but for three lines', () => {
  assert.deepEqual(replacedMiddle('1\n2\n3\n4\n5\n6\n7\n8\n9', '1\n2\n3\n4\nfive\n7\n8\n9', 3), {
    ...{ oldStart: 2, oldLines: 8, newStart: 2, newLines: 7 },
    lines: [' 2', ' 3', ' 4', '-5', '-6', '+five', ' 7', ' 8', ' 9', '\\ No newline at end of file'],
  });
});
