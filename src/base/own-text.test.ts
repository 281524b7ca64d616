import assert from 'node:assert/strict';
import { test } from 'node:test';
import { heapBytes } from '../../test/rig/heap-bytes.ts';
import { ownText } from './own-text.ts';

const KEPT = 1_000;
const CUT_FROM_BYTES = 16 * 1024;

test('a text is the same, and does not hold the one that it was cut from', () => {
  const before = heapBytes();
  const kept: string[] = [];
  for (let n = 0; n < KEPT; n++) {
    const text = Buffer.alloc(CUT_FROM_BYTES, `${n} and more `).toString('latin1');
    const part = text.slice(100, 140);
    kept.push(ownText(part));
    assert.equal(kept.at(-1), part);
  }
  assert.equal(ownText('short'), 'short');
  const grown = heapBytes() - before;
  assert.ok(grown < (KEPT * CUT_FROM_BYTES) / 10, `${grown} bytes for ${kept.length} texts`);
});
