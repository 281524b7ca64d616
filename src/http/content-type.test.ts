import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SIGNATURE_BYTES, typeByBytes, typeByName } from './content-type.ts';

test('what was stored goes before the name, and what says nothing does not', () => {
  assert.equal(typeByName('text/x-mine', 'a.png'), 'text/x-mine');
  for (const nothing of [undefined, 'application/octet-stream', 'binary/octet-stream'])
    assert.equal(typeByName(nothing, 'dir/a.png'), 'image/png');
  assert.equal(typeByName(undefined, 'a.json'), 'application/json; charset=utf-8');
  assert.equal(typeByName(undefined, 'a.unheard-of'), undefined);
  assert.equal(typeByName(undefined, 'no-ending'), undefined);
});

test('the first bytes are known for what they are, and a text is nothing', () => {
  const known: Readonly<Record<string, string>> = {
    '\x89PNG\r\n\x1a\n....': 'image/png',
    'RIFF1234WEBPVP8 ': 'image/webp',
    'RIFF1234WAVEfmt ': 'audio/wave',
    '\x28\xb5\x2f\xfd': 'application/zstd',
    '\0\0\0\x20ftypavif': 'image/avif',
    '\0\0\0\x20ftypisom': 'video/mp4',
    '%PDF-1.7': 'application/pdf',
    '\0asm\x01\0\0\0': 'application/wasm',
  };
  for (const [head, type] of Object.entries(known)) {
    assert.ok(head.length <= SIGNATURE_BYTES);
    assert.equal(typeByBytes(Buffer.from(head, 'latin1')), type);
  }
  for (const head of ['', 'RIFF1234', '<!doctype html>', '{"a":1}', 'x%PDF-'])
    assert.equal(typeByBytes(Buffer.from(head, 'latin1')), undefined);
});
