import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeFrame } from './code-frame.ts';
import type { Position } from './mistake.ts';

const TEXT = 'version: 1\npipeline:\n  build:\n    dependsOnn: ["^build"]\n    outputs: ["dist/**"]\n';

function frame(place: Omit<Position, 'file'>, text: string | undefined = TEXT): string[] {
  return codeFrame({ message: 'wrong', position: { file: 'velocity.yml', ...place } }, text).split('\n');
}

test('a mistake is shown with its line, the lines around it and a caret under each character', () => {
  assert.deepEqual(frame({ line: 4, column: 5, length: 10 }), [
    'velocity.yml:4:5: wrong',
    '  3 |   build:',
    '> 4 |     dependsOnn: ["^build"]',
    '    |     ^^^^^^^^^^',
    '  5 |     outputs: ["dist/**"]',
  ]);
});

test('the first and the last line of a text have no line beyond them', () => {
  assert.deepEqual(frame({ line: 1, column: 1, length: 7 }, 'version: 2'), [
    'velocity.yml:1:1: wrong',
    '> 1 | version: 2',
    '    | ^^^^^^^',
  ]);
});

test('carets end where the line does, and there is always one', () => {
  assert.equal(frame({ line: 2, column: 1, length: 400 })[3], '    | ^^^^^^^^^');
  assert.equal(frame({ line: 2, column: 10, length: 1 })[3], '    |          ^');
});

test('line numbers of different widths are aligned', () => {
  const text = Array.from({ length: 12 }, (_, index) => `line: ${index + 1}`).join('\n');
  assert.deepEqual(frame({ line: 9, column: 1, length: 4 }, text).slice(1), [
    '   8 | line: 8',
    '>  9 | line: 9',
    '     | ^^^^',
    '  10 | line: 10',
  ]);
});

test('line ends of Windows do not show', () => {
  assert.deepEqual(frame({ line: 1, column: 1, length: 9 }, 'a: 1\r\nb: 2\r\n'), [
    'velocity.yml:1:1: wrong',
    '> 1 | a: 1',
    '    | ^^^^',
    '  2 | b: 2',
  ]);
});

test('a mistake without a place or without its text is one line', () => {
  const source = 'VC_PORT';
  assert.equal(codeFrame({ message: 'wrong', source, hint: 'Set it.' }, TEXT), 'VC_PORT: wrong Set it.');
  assert.deepEqual(
    codeFrame({ message: 'wrong', position: { file: 'f', line: 2, column: 3, length: 1 } }, undefined),
    'f:2:3: wrong',
  );
});
