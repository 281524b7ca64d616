import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { BoundedLog, endOf } from './bounded-log.ts';

describe('a bounded log', () => {
  test('is what was printed as long as that fits, else its beginning and its end with the count between', () => {
    const sizes = fc.array(fc.nat({ max: 30 }), { maxLength: 40 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 2, max: 60 }), (chunks, max) => {
        const log = new BoundedLog(max);
        const all = Buffer.from(chunks.flatMap((size, index) => Array(size).fill(65 + (index % 26))));
        let from = 0;
        for (const size of chunks) {
          log.add(all.subarray(from, from + size));
          from += size;
        }
        const half = Math.ceil(max / 2);
        const leftOut = all.length - 2 * half;
        const note = Buffer.from(`\n[velocity: ${leftOut} bytes of the log are left out here]\n`);
        const expected =
          leftOut > 0 ? Buffer.concat([all.subarray(0, half), note, all.subarray(all.length - half)]) : all;
        assert.deepEqual(log.read(), expected);
      }),
    );
  });

  test('many small chunks beyond the limit keep the end', () => {
    const log = new BoundedLog(4096);
    for (let n = 0; n < 20_000; n++) log.add(Buffer.from(String(n % 10)));
    assert.match(log.read().toString(), /0123456789$/);
  });

  test('its end begins with a line', () => {
    assert.equal(endOf(Buffer.from('one\ntwo\nthree\n'), 9), 'three\n');
    assert.equal(endOf(Buffer.from('one\n'), 9), 'one\n');
  });
});
