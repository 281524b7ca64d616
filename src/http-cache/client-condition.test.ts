import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateIn, fieldsOf, response } from '../../test/rig/heads.ts';
import { isNotModified, notModifiedFields } from './client-condition.ts';
import { RFC_POLICY } from './policy.ts';
import { storedFacts } from './stored-facts.ts';

function has(ask: readonly string[], stored: readonly string[], status = 200): boolean {
  return isNotModified(fieldsOf(...ask), storedFacts(response(stored, status), RFC_POLICY));
}

const TAG = 'ETag: "a"';
const MODIFIED = `Last-Modified: ${dateIn(-1000)}`;

test('a client that names the tag has it, weak or not, wherever in the list', () => {
  for (const list of ['"a"', 'W/"a"', '"x", "a", "y"', '*'])
    assert.equal(has([`If-None-Match: ${list}`], [TAG]), true, list);
  assert.equal(has(['If-None-Match: "x"', 'If-None-Match: "a"'], [TAG]), true);
  assert.equal(has(['If-None-Match: "x"'], [TAG]), false);
  assert.equal(has([], [TAG]), false);
});

test('beside a tag the date does not count', () => {
  assert.equal(has(['If-None-Match: "a"', `If-Modified-Since: ${dateIn(-5000)}`], [TAG, MODIFIED]), true);
  assert.equal(has(['If-None-Match: "x"', `If-Modified-Since: ${dateIn(0)}`], [TAG, MODIFIED]), false);
});

test('a client that has it since its date or later has it', () => {
  assert.equal(has([`If-Modified-Since: ${dateIn(-1000)}`], [MODIFIED]), true);
  assert.equal(has([`If-Modified-Since: ${dateIn(-999)}`], [MODIFIED]), true);
  assert.equal(has([`If-Modified-Since: ${dateIn(-1001)}`], [MODIFIED]), false);
  assert.equal(has(['If-Modified-Since: Wednesday, 31-Dec-25 23:43:20 GMT'], [MODIFIED]), true);
});

test('a date that is none is as good as none', () => {
  assert.equal(has(['If-Modified-Since: yesterday'], [MODIFIED]), false);
});

test('without Last-Modified a response is as new as its Date', () => {
  assert.equal(has([`If-Modified-Since: ${dateIn(-10)}`], [`Date: ${dateIn(-10)}`]), true);
  assert.equal(has([`If-Modified-Since: ${dateIn(-11)}`], [`Date: ${dateIn(-10)}`]), false);
});

test('conditions are about successes', () => {
  assert.equal(has(['If-None-Match: "a"'], [TAG], 404), false);
  assert.equal(has(['If-None-Match: "a"'], [TAG], 206), true);
});

test('a 304 says nothing of the content that it does not have', () => {
  const kept = [TAG, 'Cache-Control: max-age=1', 'Content-Location: /x', 'Vary: A'];
  const dropped = [
    'Content-Type: a/b',
    'Content-Length: 5',
    'Content-Encoding: br',
    'Content-Range: bytes 0-0/1',
  ];
  assert.deepEqual(notModifiedFields(fieldsOf(...kept, ...dropped)), fieldsOf(...kept));
});
