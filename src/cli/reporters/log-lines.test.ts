import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LONGEST_KEPT_BYTES, LogLines } from './log-lines.ts';

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

  test('a line too long to be kept is written as it comes, its name once, until its end', () => {
    const long = 'x'.repeat(LONGEST_KEPT_BYTES);
    assert.deepEqual(written('> ', [long, 'yy', 'z\nnext\n']), [`> ${long}yy`, 'z\n> next\n']);
  });

  test('a line too long to be kept that just ends gets its end', () => {
    const long = 'x'.repeat(LONGEST_KEPT_BYTES + 1);
    assert.deepEqual(written('> ', [long]), [`> ${long}`, '\n']);
    assert.deepEqual(written('> ', [long, 'rest']), [`> ${long}`, 'rest\n']);
    assert.deepEqual(written('> ', [long, '\n', 'next']), [`> ${long}`, '\n', '> next\n']);
  });

  test('of output without line ends, zeros or a progress bar, little is kept', () => {
    for (const text of ['\0', '\rworking 50 %']) {
      const chunk = Buffer.from(text.repeat(4_096));
      const writes = written('> ', new Array<Buffer>(200).fill(chunk));
      const longest = Math.max(...writes.map((write) => write.length));
      assert.ok(longest <= '> '.length + LONGEST_KEPT_BYTES + chunk.length, String(longest));
      assert.equal(writes.join(''), `> ${String(chunk).repeat(200)}\n`);
    }
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
