import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldsOf } from '../../test/rig/heads.ts';
import { requestDirectives, responseDirectives } from './cache-control.ts';
import { MOST_SECONDS } from './directives.ts';

function read(...lines: readonly string[]) {
  return responseDirectives(fieldsOf(...lines.map((line) => `Cache-Control: ${line}`)));
}

const LIFETIMES: Readonly<Record<string, number | undefined>> = {
  'max-age=60': 60,
  'MAX-age=60': 60,
  'max-age="60"': 60,
  'max-age=0060': 60,
  'unknown, max-age=60, also=this': 60,
  'max-age=4294967296': MOST_SECONDS,
  'max-age=99999999999999999999999': MOST_SECONDS,
  'max-age=60, max-age=1': 60,
  'ext="max-age=60", max-age=1': 1,
  'max-age=1, ext="max-age=60"': 1,
  "max-age='60'": 0,
  'max-age=-60': 0,
  'max-age=60.0': 0,
  'max-age=60a': 0,
  'max-age=a60': 0,
  'max-age =60': 0,
  'max-age= 60': 0,
  'max-age=': 0,
  'max-age': 0,
  'xmax-age=60': undefined,
  'ext="max-age=60"': undefined,
};

for (const [line, seconds] of Object.entries(LIFETIMES))
  test(`«${line}» gives a lifetime of ${seconds} s`, () => {
    assert.equal(read(line).maxAge, seconds);
  });

test('directives of several lines are of one list, and of two values the first counts', () => {
  const both = read('max-age=60', 's-maxage=5, max-age=1');
  assert.deepEqual([both.maxAge, both.sMaxage], [60, 5]);
});

test('what restricts holds however it is written', () => {
  for (const line of ['no-store', 'No-STORE', 'no-store=1', 'a="b, no-store', 'no-store =""', ',,no-store,'])
    assert.equal(read(line).noStore, true, line);
});

test('what permits holds only where it can be read', () => {
  const wrong = read('stale-while-revalidate=soon, stale-if-error');
  assert.deepEqual([wrong.staleWhileRevalidate, wrong.staleIfError], [undefined, undefined]);
});

test('no-cache and private are about the whole response, or about the fields they name', () => {
  const named = read('no-cache="A, b", private=c, private="D"');
  assert.deepEqual([named.noCache, named.noCacheFields], [false, ['a', 'b']]);
  assert.deepEqual([named.private, named.privateFields], [false, ['c', 'd']]);
});

test('no-cache without names, or with names that are none, is about the whole', () => {
  for (const line of ['no-cache', 'no-cache=""', 'no-cache="a b"', 'no-cache="a", no-cache'])
    assert.equal(read(line).noCache, true, line);
});

test('a request that says nothing this cache knows has no directives', () => {
  for (const line of ['Cache-Control: nothing-to-see-here', 'Pragma: no-cache', 'Cache-Control: max-age=x'])
    assert.equal(requestDirectives(fieldsOf(line)), undefined, line);
});

test('max-stale without a number takes any age', () => {
  assert.equal(requestDirectives(fieldsOf('Cache-Control: max-stale'))?.maxStale, MOST_SECONDS);
  assert.equal(requestDirectives(fieldsOf('Cache-Control: max-stale=5'))?.maxStale, 5);
});

test('any text is read, and what it says of time is a number of seconds or nothing', () => {
  const names = fc.constantFrom('max-age', 's-maxage', 'stale-if-error', 'private', 'no-cache', 'x');
  const texts = fc.oneof(
    fc.string(),
    fc.tuple(names, fc.string()).map((pair) => pair.join('=')),
  );
  fc.assert(
    fc.property(fc.array(texts), (lines) => {
      const { maxAge, sMaxage, staleIfError } = read(...lines);
      for (const seconds of [maxAge, sMaxage, staleIfError])
        assert.ok(
          seconds === undefined || (Number.isInteger(seconds) && seconds >= 0 && seconds <= MOST_SECONDS),
        );
    }),
  );
});
