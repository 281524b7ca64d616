import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf } from '../../test/rig/heads.ts';
import { MOST_SECONDS } from './directives.ts';
import { spokenDirectives } from './exchange.ts';
import { targetedDirectives } from './targeted-cache-control.ts';

function read(value: string) {
  return targetedDirectives(fieldsOf(`CDN-Cache-Control: ${value}`), 'cdn-cache-control');
}

test('a targeted field says what Cache-Control could', () => {
  const said = read('max-age=60, must-revalidate, stale-if-error=5, no-cache="A, b", foobar');
  assert.deepEqual(
    [said?.maxAge, said?.mustRevalidate, said?.staleIfError, said?.noCache, said?.noCacheFields],
    [60, true, 5, false, ['a', 'b']],
  );
});

test('a time has its bounds', () => {
  assert.equal(read('max-age=99999999999')?.maxAge, MOST_SECONDS);
  assert.equal(read('max-age=-1')?.maxAge, 0);
});

test('a directive that is said to be false is not said', () => {
  assert.deepEqual([read('no-store=?0')?.noStore, read('no-store')?.noStore], [false, true]);
});

test('a field that is empty, no dictionary, or of wrong types is as good as absent', () => {
  for (const value of [
    '',
    'max-age=1, &&',
    'max-age="60"',
    'max-age',
    'max-age=1.0',
    'MaX-aGe=60',
    'private=1',
  ])
    assert.equal(read(value), undefined, value);
});

test('the first targeted field that is valid speaks, and Cache-Control where none does', () => {
  const fields = fieldsOf('Cache-Control: max-age=1', 'One: &', 'Two: max-age=2', 'Three: max-age=3');
  const speak = (...names: readonly string[]) => spokenDirectives(fields, names);
  assert.equal(speak('one', 'two', 'three').directives.maxAge, 2);
  assert.deepEqual([speak('one').speaker, speak('one').directives.maxAge], ['cache-control', 1]);
});
