import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { dateIn, fieldsOf, response } from '../../test/rig/heads.ts';
import {
  answerByParts,
  canCombine,
  type HeldParts,
  heldPart,
  heldWhole,
  isComplete,
  joined,
} from './parts.ts';
import { RFC_POLICY } from './policy.ts';
import { type StoredFacts, storedFacts } from './stored-facts.ts';

const OLD = dateIn(-1000);

function stored(...lines: readonly string[]): StoredFacts {
  return storedFacts(response([`Date: ${dateIn(0)}`, ...lines]), RFC_POLICY);
}

function answer(
  ask: readonly string[],
  held: HeldParts,
  facts = stored('ETag: "a"', `Last-Modified: ${OLD}`),
) {
  return answerByParts(fieldsOf(...ask), facts, held);
}

const TEN = heldWhole(10);
const MIDDLE: HeldParts = { sizeBytes: 10, spans: [{ first: 4, last: 6 }] };

test('of a whole, any range can be served', () => {
  assert.deepEqual(answer([], TEN), { kind: 'whole' });
  for (const [range, first, last] of [
    ['bytes=0-1', 0, 1],
    ['bytes=8-', 8, 9],
    ['bytes=-3', 7, 9],
    ['bytes=5-100', 5, 9],
  ] as const)
    assert.deepEqual(
      answer([`Range: ${range}`], TEN),
      { kind: 'part', span: { first, last }, sizeBytes: 10 },
      range,
    );
});

test('a range beyond the end cannot be satisfied, and one that is none is not looked at', () => {
  assert.deepEqual(answer(['Range: bytes=10-'], TEN), { kind: 'unsatisfiable', sizeBytes: 10 });
  for (const range of ['bytes=0-1,3-4', 'items=0-1', 'bytes=5-1', 'x'])
    assert.deepEqual(answer([`Range: ${range}`], TEN), { kind: 'whole' }, range);
  assert.deepEqual(answer(['Range: bytes=0-1', 'Range: bytes=2-3'], TEN), { kind: 'whole' });
});

test('of a part, the ranges within it can be served, and others are asked for as the client did', () => {
  assert.deepEqual(answer(['Range: bytes=5-6'], MIDDLE), {
    kind: 'part',
    span: { first: 5, last: 6 },
    sizeBytes: 10,
  });
  for (const range of ['bytes=3-5', 'bytes=6-7', 'bytes=-5', 'bytes=5-'])
    assert.deepEqual(answer([`Range: ${range}`], MIDDLE), { kind: 'missing', fields: [] }, range);
});

test('without the size only a range with both ends can be found', () => {
  const unknown = { ...MIDDLE, sizeBytes: undefined };
  assert.deepEqual(answer(['Range: bytes=5-6'], unknown).kind, 'part');
  for (const range of ['bytes=5-', 'bytes=-1', 'bytes=5-20'])
    assert.deepEqual(answer([`Range: ${range}`], unknown).kind, 'missing', range);
});

test('where If-Range does not hold, there is no Range', () => {
  const ask = (condition: string) => answer(['Range: bytes=0-1', `If-Range: ${condition}`], TEN).kind;
  assert.deepEqual(['"a"', OLD].map(ask), ['part', 'part']);
  assert.deepEqual(['"b"', 'W/"a"', dateIn(0), 'x'].map(ask), ['whole', 'whole', 'whole', 'whole']);
});

test('the rest is asked for on condition that the bytes are still the same', () => {
  const rest = (...spans: readonly (readonly [number, number])[]) =>
    answer([], { sizeBytes: 10, spans: spans.map(([first, last]) => ({ first, last })) });
  const fields = (range: string) => ({ kind: 'missing', fields: ['Range', range, 'If-Range', '"a"'] });
  assert.deepEqual(rest([0, 4]), fields('bytes=5-'));
  assert.deepEqual(rest([5, 9]), fields('bytes=0-4'));
  assert.deepEqual(rest([0, 1], [8, 9]), fields('bytes=2-7'));
  assert.deepEqual(rest([2, 3]), fields('bytes=0-'));
});

test('without a strong validator the whole is asked for', () => {
  for (const lines of [[], ['ETag: W/"a"'], [`Last-Modified: ${dateIn(-5)}`]])
    assert.deepEqual(answer([], MIDDLE, stored(...lines)), { kind: 'missing', fields: [] });
});

test('parts are combined only under one strong validator', () => {
  assert.equal(canCombine(stored('ETag: "a"'), stored('ETag: "a"')), true);
  for (const [one, other] of [
    ['ETag: "a"', 'ETag: "b"'],
    ['ETag: W/"a"', 'ETag: W/"a"'],
    ['A: b', 'A: b'],
    ['ETag: "a"', `Last-Modified: ${OLD}`],
  ] as const)
    assert.equal(canCombine(stored(one), stored(other)), false, `${one} ${other}`);
});

test('parts of wholes of other sizes do not go together', () => {
  assert.equal(joined(TEN, heldWhole(11)), undefined);
});

test('a part is what its Content-Range says', () => {
  assert.deepEqual(heldPart(fieldsOf('Content-Range: bytes 4-6/10')), MIDDLE);
  assert.deepEqual(heldPart(fieldsOf('Content-Range: bytes 4-6/*'))?.sizeBytes, undefined);
  assert.equal(heldPart(fieldsOf('Content-Range: bytes */10')), undefined);
});

test('joined parts hold exactly the bytes of both, and are complete when those are all', () => {
  const SIZE = 12;
  const spans = fc.tuple(fc.nat({ max: SIZE - 1 }), fc.nat({ max: SIZE - 1 })).map(([a, b]) => ({
    first: Math.min(a, b),
    last: Math.max(a, b),
  }));
  fc.assert(
    fc.property(fc.array(spans, { minLength: 1, maxLength: 6 }), (all) => {
      let held: HeldParts = { sizeBytes: SIZE, spans: [] };
      const bytes = new Set<number>();
      for (const span of all) {
        held = joined(held, { sizeBytes: undefined, spans: [span] }) ?? held;
        for (let at = span.first; at <= span.last; at++) bytes.add(at);
      }
      const own = held.spans.flatMap(({ first, last }) =>
        Array.from({ length: last - first + 1 }, (_, at) => first + at),
      );
      assert.deepEqual(
        own,
        [...bytes].sort((a, b) => a - b),
      );
      assert.equal(isComplete(held), bytes.size === SIZE);
      held.spans.forEach((span, index) => {
        const next = held.spans[index + 1];
        assert.ok(next === undefined || next.first > span.last + 1);
      });
    }),
  );
});

test('nothing is complete whose size nobody knows, and an empty whole is', () => {
  assert.equal(isComplete({ ...TEN, sizeBytes: undefined }), false);
  assert.equal(isComplete(heldWhole(0)), true);
  assert.deepEqual(answer([], heldWhole(0)), { kind: 'whole' });
  assert.deepEqual(answer(['Range: bytes=0-'], heldWhole(0)), { kind: 'unsatisfiable', sizeBytes: 0 });
});
