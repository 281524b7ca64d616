import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAME_AT, dateIn, fieldsOf, response } from '../../test/rig/heads.ts';
import type { ResponseHead } from './exchange.ts';
import { type Fields, fieldValue } from './fields.ts';
import { freshened, freshenedBy } from './freshening.ts';
import { headEffect } from './head-effect.ts';
import { RFC_POLICY } from './policy.ts';
import { type StoredFacts, storedFacts } from './stored-facts.ts';

function asked(...lines: readonly string[]): { readonly facts: StoredFacts } {
  return { facts: storedFacts(response(lines), RFC_POLICY) };
}

/** The fields of a stored 200 that an update has freshened. */
function freshenedFields(fields: Fields, update: ResponseHead): Fields {
  return freshened({ status: 200, fields }, update, RFC_POLICY).fields;
}

const MODIFIED = `Last-Modified: ${dateIn(-1000)}`;

test('a 304 is about what has its strong tag', () => {
  const [a, b] = [asked('ETag: "a"'), asked('ETag: "b"')];
  assert.equal(freshenedBy([a, b], fieldsOf('ETag: "b"')), b);
  assert.equal(freshenedBy([a, b], fieldsOf('ETag: "c"')), undefined);
  assert.equal(freshenedBy([asked('ETag: W/"a"')], fieldsOf('ETag: "a"')), undefined);
});

test('with a weak tag it is about the youngest that has it', () => {
  const older = asked(`Date: ${dateIn(-9)}`, 'ETag: W/"a"');
  const younger = asked(`Date: ${dateIn(-5)}`, 'ETag: "a"');
  assert.equal(freshenedBy([older, younger], fieldsOf('ETag: W/"a"')), younger);
});

test('with a date alone it is about what has that date', () => {
  const one = asked(MODIFIED);
  assert.equal(freshenedBy([asked('ETag: "a"'), one], fieldsOf(MODIFIED)), one);
  assert.equal(freshenedBy([one], fieldsOf(`Last-Modified: ${dateIn(-5)}`)), undefined);
});

test('without a validator it can only be about the one that was asked about', () => {
  const one = asked('ETag: "a"');
  assert.equal(freshenedBy([one], []), one);
  assert.equal(freshenedBy([one, asked('ETag: "b"')], []), undefined);
});

test('what a 304 says takes the place of what was stored, and all else stays', () => {
  const stored = fieldsOf('A: 1', 'a: 2', 'B: 3', `Date: ${dateIn(-50)}`);
  const fields = freshenedFields(stored, response(['A: 4', `Date: ${dateIn(0)}`], 304));
  assert.deepEqual(
    [fieldValue(fields, 'a'), fieldValue(fields, 'b'), fieldValue(fields, 'date')],
    ['4', '3', dateIn(0)],
  );
});

test('it changes nothing that the stored bytes are', () => {
  const stored = fieldsOf('Content-Length: 36', 'Content-Encoding: gzip', 'ETag: "a"');
  const update = response(
    ['Content-Length: 0', 'Content-Encoding: br', 'ETag: W/"a"', 'Content-Type: x/y'],
    304,
  );
  const fields = freshenedFields(stored, update);
  assert.deepEqual(
    ['content-length', 'content-encoding', 'etag', 'content-type'].map((name) => fieldValue(fields, name)),
    ['36', 'gzip', '"a"', 'x/y'],
  );
});

test('a response that is freshened is as old as the 304, not as it was', () => {
  const fields = freshenedFields(fieldsOf('Age: 1000', `Date: ${dateIn(-1000)}`), response([], 304));
  assert.deepEqual([fieldValue(fields, 'age'), fieldValue(fields, 'date')], [undefined, dateIn(0)]);
  assert.equal(fieldValue(freshenedFields([], response(['Age: 5'], 304)), 'age'), '5');
});

test('it keeps its own status, and its times are those of the update', () => {
  const update = { ...response([], 304), receivedAt: CAME_AT + 5 };
  const head = freshened({ status: 404, fields: [] }, update, RFC_POLICY);
  assert.deepEqual([head.status, head.receivedAt], [404, CAME_AT + 5]);
});

test('what a 304 says to one client only is not kept', () => {
  const update = response(['Cache-Control: no-cache="set-cookie"', 'Set-Cookie: a=b'], 304);
  assert.equal(fieldValue(freshenedFields([], update), 'set-cookie'), undefined);
});

test('what is about the connection of a 304 is not kept', () => {
  assert.deepEqual(fieldValue(freshenedFields([], response(['Connection: x', 'X: 1'], 304)), 'x'), undefined);
});

test('the answer to a HEAD freshens what agrees with it, and outdates what does not', () => {
  const lines = ['ETag: "a"', MODIFIED, 'Content-Length: 5'];
  const effect = (answer: readonly string[], status = 200, own = lines) =>
    headEffect(asked(...own).facts, fieldsOf(...own), response(answer, status));
  for (const answer of [lines, ['ETag: W/"a"'], [MODIFIED], ['Content-Length: 5']])
    assert.equal(effect(answer), 'freshen', answer.join());
  for (const answer of [
    ['ETag: "b"'],
    ['ETag: "a"', 'Content-Length: 6'],
    [`Last-Modified: ${dateIn(-1)}`],
    [],
  ])
    assert.equal(effect(answer), 'outdate', answer.join());
  assert.equal(effect(['ETag: "a"'], 200, []), 'outdate');
  for (const status of [304, 404, 410, 500]) assert.equal(effect(lines, status), 'none');
});
