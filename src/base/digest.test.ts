import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DigestMeter, digestOf, parseDigest } from './digest.ts';

/** FIPS 180-4, the one-block example. */
const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

test('a digest is SHA-256 in lower-case hex, of text as of its bytes', () => {
  assert.equal(digestOf('abc'), ABC);
  assert.equal(digestOf(Buffer.from('abc')), ABC);
});

test('bytes measured in any pieces have the digest and the length of the whole', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }), (pieces) => {
      const meter = new DigestMeter();
      for (const piece of pieces) meter.update(piece);
      const whole = Buffer.concat(pieces);
      assert.equal(meter.bytes, whole.length);
      assert.equal(meter.digest(), digestOf(whole));
    }),
  );
});

test('what is not 64 lower-case hex digits is no digest', () => {
  assert.equal(parseDigest(ABC), ABC);
  for (const text of [
    '',
    ABC.toUpperCase(),
    ABC.slice(1),
    `${ABC}0`,
    `${ABC}\n`,
    ` ${ABC}`,
    `g${ABC.slice(1)}`,
  ]) {
    assert.equal(parseDigest(text), undefined, text);
  }
});
