import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factsOf, type RemoteRow } from './remote-row.ts';

const NOTHING = { isBucketBased: false, keepsTypes: false, hash: undefined };
const ITEM: RemoteRow = {
  Name: 'a.txt',
  Size: 3,
  ModTime: '2026-01-02T03:04:05.123456789Z',
  IsDir: false,
  MimeType: 'text/plain',
  Hashes: { md5: 'd41d8c' },
};

test('an etag is the hash that the backend has, else it is of length and time', () => {
  assert.equal(factsOf(ITEM, { ...NOTHING, hash: 'md5' })?.etag, 'd41d8c');
  const byTime = factsOf(ITEM, NOTHING)?.etag;
  assert.match(byTime ?? '', /^[\w-]+$/);
  for (const changed of [{ Size: 4 }, { ModTime: '2026-01-02T03:04:05.123456788Z' }])
    assert.notEqual(factsOf({ ...ITEM, ...changed }, NOTHING)?.etag, byTime);
  for (const Hashes of [{ md5: '' }, {}])
    assert.equal(
      factsOf({ ...ITEM, Hashes }, { ...NOTHING, hash: 'md5' })?.etag,
      byTime,
      'uploaded in parts',
    );
});

test('a type is what the backend keeps, never what rclone guesses', () => {
  assert.equal(factsOf(ITEM, NOTHING)?.contentType, undefined);
  assert.equal(factsOf(ITEM, { ...NOTHING, keepsTypes: true })?.contentType, 'text/plain');
});

test('a folder, and what has no length, is no object', () => {
  assert.equal(factsOf({ ...ITEM, IsDir: true }, NOTHING), undefined);
  assert.equal(factsOf({ ...ITEM, Size: -1 }, NOTHING), undefined);
});

test('a time that the backend does not keep is none', () => {
  assert.equal(factsOf({ ...ITEM, ModTime: '' }, NOTHING)?.modifiedAt, 0);
  assert.equal(factsOf({ ...ITEM, ModTime: '0001-01-01T00:00:00Z' }, NOTHING)?.modifiedAt, 0);
});
