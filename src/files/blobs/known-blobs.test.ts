import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '../../base/digest.ts';
import type { BlobFacts } from './blob-files.ts';
import { KnownBlobs } from './known-blobs.ts';

const DIGEST = digestOf('a');
const FACTS: BlobFacts = { isFile: true, inode: 1n, sizeBytes: 2, changedNs: 3n, touchedNs: 4n, links: 1 };

test('what nobody told of is not known', () => {
  assert.equal(new KnownBlobs().isRight(DIGEST, FACTS), false);
});

test('one that was kept is right while it is the same file of the same size and time', () => {
  const known = new KnownBlobs();
  known.wasKept(DIGEST, FACTS);
  assert.equal(known.isRight(DIGEST, { ...FACTS, touchedNs: 5n, links: 2 }), true);
  for (const change of [{ inode: 9n }, { sizeBytes: 9 }, { changedNs: 9n }])
    assert.equal(known.isRight(DIGEST, { ...FACTS, ...change }), false);
});

test('one that was found right is so until anything of it is touched', () => {
  const known = new KnownBlobs();
  known.wasFoundRight(DIGEST, FACTS);
  assert.equal(known.isRight(DIGEST, FACTS), true);
  assert.equal(known.isRight(DIGEST, { ...FACTS, touchedNs: 5n }), false);
});

test('of more than it holds the one that was of no use for longest is forgotten', () => {
  const known = new KnownBlobs(2);
  const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')] as const;
  known.wasKept(a, FACTS);
  known.wasKept(b, FACTS);
  known.isRight(a, FACTS);
  known.wasKept(c, FACTS);
  assert.deepEqual(
    [a, b, c].map((digest) => known.isRight(digest, FACTS)),
    [true, false, true],
  );
});
