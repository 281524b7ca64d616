import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { remembered, rememberedLines } from './remembered.ts';

/** A function that tells which texts it was asked for. */
function counted() {
  const asked: string[] = [];
  const of = remembered((text) => {
    asked.push(text);
    return { length: text.length };
  });
  return { asked, of };
}

describe('a function that remembers', () => {
  test('is asked once for a text, however often it comes', () => {
    const { asked, of } = counted();
    assert.equal(of('max-age=60'), of('max-age=60'));
    assert.deepEqual(of('no-store'), { length: 8 });
    assert.deepEqual(asked, ['max-age=60', 'no-store']);
  });

  test('does not keep long texts', () => {
    const { asked, of } = counted();
    const long = 'x'.repeat(257);
    assert.deepEqual([of(long), of(long)], [{ length: 257 }, { length: 257 }]);
    assert.equal(asked.length, 2);
  });

  test('keeps a few hundred texts at most', () => {
    const { asked, of } = counted();
    for (let n = 0; n <= 256; n++) of(`text ${n}`);
    of('text 256');
    assert.equal(asked.length, 257);
    of('text 0');
    assert.equal(asked.length, 258);
  });
});

test('of lines none and one are remembered, and several are looked at together each time', () => {
  const asked: (readonly string[])[] = [];
  const joined = rememberedLines((lines) => {
    asked.push(lines);
    return lines.join('+');
  });
  for (let round = 0; round < 2; round++)
    assert.deepEqual([joined([]), joined(['a']), joined(['a', 'b'])], ['', 'a', 'a+b']);
  assert.deepEqual(asked.map((lines) => lines.length).toSorted(), [0, 1, 2, 2]);
});
