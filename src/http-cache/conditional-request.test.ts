import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateIn, fieldsOf, response } from '../../test/rig/heads.ts';
import { strongValidator, validatingFields } from './conditional-request.ts';
import { RFC_POLICY } from './policy.ts';
import { type StoredFacts, storedFacts } from './stored-facts.ts';

function stored(...lines: readonly string[]): StoredFacts {
  return storedFacts(response([`Date: ${dateIn(0)}`, ...lines]), RFC_POLICY);
}

const MODIFIED = dateIn(-1000);

test('both validators are sent as they came', () => {
  assert.deepEqual(
    validatingFields(fieldsOf('Accept: x'), [stored('ETag: W/"a"', `Last-Modified: ${MODIFIED}`)]),
    fieldsOf('Accept: x', 'If-None-Match: W/"a"', `If-Modified-Since: ${MODIFIED}`),
  );
});

test("a client's own conditions and Range are not the cache's", () => {
  const own = [
    'If-None-Match: "x"',
    'if-modified-since: y',
    'If-Match: "z"',
    'If-Range: "r"',
    'Range: bytes=0-1',
  ];
  assert.deepEqual(validatingFields(fieldsOf(...own), [stored('ETag: "a"')]), fieldsOf('If-None-Match: "a"'));
});

test('it is asked about all variants at once, each tag once, and not about more than a request should hold', () => {
  const variants = [stored('ETag: "b"'), stored('ETag: "a"'), stored('ETag: "b"'), stored()];
  assert.deepEqual(validatingFields([], variants), fieldsOf('If-None-Match: "b", "a"'));
  const many = Array.from({ length: 1000 }, (_, index) => stored(`ETag: "${index}"`));
  assert.equal(validatingFields([], many)[1]?.split(',').length, 16);
});

test('where the best match has but a date, tags of others do not stand in its way', () => {
  const variants = [stored(`Last-Modified: ${MODIFIED}`), stored('ETag: "a"')];
  assert.deepEqual(validatingFields([], variants), fieldsOf(`If-Modified-Since: ${MODIFIED}`));
});

test('a date that is none is not sent', () => {
  assert.deepEqual(validatingFields([], [stored('Last-Modified: yesterday')]), []);
});

test('a strong tag tells the same bytes, a weak one does not, and a date only if it is old enough', () => {
  assert.equal(strongValidator(stored('ETag: "a"', `Last-Modified: ${MODIFIED}`)), '"a"');
  assert.equal(strongValidator(stored('ETag: W/"a"', `Last-Modified: ${MODIFIED}`)), undefined);
  assert.equal(strongValidator(stored(`Last-Modified: ${dateIn(-60)}`)), dateIn(-60));
  assert.equal(strongValidator(stored(`Last-Modified: ${dateIn(-59)}`)), undefined);
  assert.equal(strongValidator(stored()), undefined);
});
