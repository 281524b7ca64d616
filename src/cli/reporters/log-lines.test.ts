import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LogLines } from './log-lines.ts';

/** All that is written for chunks, each write apart. */
function written(prefix: string, chunks: readonly (string | Buffer)[]): string[] {
  const writes: Buffer[] = [];
  const lines = new LogLines(prefix, (whole) => writes.push(whole));
  for (const chunk of chunks) lines.add(Buffer.from(chunk));
  lines.end();
  return writes.map(String);
}

describe('LogLines', () => {
  test('each line gets its prefix', () => {
    assert.equal(written('web: ', ['one\ntwo\n']).join(''), 'web: one\nweb: two\n');
  });

  test('an empty line is a line', () => {
    assert.equal(written('> ', ['a\n\n\nb\n']).join(''), '> a\n> \n> \n> b\n');
  });

  test('a line is written when it is whole, not before', () => {
    assert.deepEqual(written('> ', ['on', 'e\ntw', 'o\n']), ['> one\n', '> two\n']);
  });

  test('a last line without its end gets one', () => {
    assert.deepEqual(written('> ', ['a\nb']), ['> a\n', '> b\n']);
  });

  test('nothing is nothing', () => {
    assert.deepEqual(written('> ', []), []);
    assert.deepEqual(written('> ', ['', '']), []);
  });

  test('after an end it begins anew', () => {
    const writes: string[] = [];
    const lines = new LogLines('> ', (whole) => writes.push(whole.toString()));
    for (const chunk of ['a', 'b']) {
      lines.add(Buffer.from(chunk));
      lines.end();
    }
    assert.deepEqual(writes, ['> a\n', '> b\n']);
  });

  test('however the output is cut, its lines are the same, and every write is of whole lines', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '\n', 'ü', '\r', '🚀') });
    fc.assert(
      fc.property(text, fc.array(fc.nat(60)), (output, cuts) => {
        const bytes = Buffer.from(output);
        const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort(
          (a, b) => a - b,
        );
        const chunks = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
        const writes = written('> ', chunks);
        const lines = output.split('\n');
        if (lines.at(-1) === '') lines.pop();
        assert.equal(writes.join(''), lines.map((line) => `> ${line}\n`).join(''));
        for (const write of writes) assert.ok(write.endsWith('\n'));
      }),
    );
  });
});
