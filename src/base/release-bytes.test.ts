import assert from 'node:assert/strict';
import { test } from 'node:test';
import { releaseBytes } from './release-bytes.ts';

test('bytes that have memory of their own give it back', () => {
  const bytes = Buffer.allocUnsafeSlow(64 * 1024);
  releaseBytes(bytes);
  assert.equal(bytes.length, 0);
});

test('a part of something larger stays, as does all around it', () => {
  const bytes = new Uint8Array([1, 2, 3]);
  releaseBytes(bytes.subarray(1));
  assert.deepEqual([...bytes], [1, 2, 3]);
});

test('what threads share stays', () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(3));
  releaseBytes(bytes);
  assert.equal(bytes.length, 3);
});
