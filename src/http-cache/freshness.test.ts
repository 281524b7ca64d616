import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dateIn, response } from '../../test/rig/heads.ts';
import { spokenDirectives } from './exchange.ts';
import { freshnessLifetime } from './freshness.ts';
import { RFC_POLICY } from './policy.ts';

/** The lifetime, as `source seconds`. */
function lifetime(lines: readonly string[], status = 200): string {
  const head = response(lines, status);
  const { speaker, directives } = spokenDirectives(head.fields, RFC_POLICY.targetedFields);
  const { source, seconds } = freshnessLifetime(head, directives, speaker, RFC_POLICY);
  return `${source} ${seconds}`;
}

const NOW = `Date: ${dateIn(0)}`;

test('s-maxage goes before max-age, and that before Expires', () => {
  const expires = `Expires: ${dateIn(3)}`;
  assert.equal(lifetime([NOW, expires, 'Cache-Control: max-age=2, s-maxage=1']), 's-maxage 1');
  assert.equal(lifetime([NOW, expires, 'Cache-Control: max-age=2']), 'max-age 2');
  assert.equal(lifetime([NOW, expires]), 'expires 3');
});

test('a max-age of 0, or one that cannot be read, is no reason to look at Expires', () => {
  for (const line of ['max-age=0', 'max-age=x'])
    assert.equal(lifetime([`Cache-Control: ${line}`, `Expires: ${dateIn(60)}`]), 'max-age 0', line);
});

test('Expires counts from Date, or from when the response came', () => {
  assert.equal(lifetime([`Date: ${dateIn(400)}`, `Expires: ${dateIn(500)}`]), 'expires 100');
  assert.equal(lifetime([`Date: ${dateIn(400)}`, `Expires: ${dateIn(300)}`]), 'expires 0');
  assert.equal(lifetime(['Date: foo', `Expires: ${dateIn(10)}`]), 'expires 10');
});

test('an Expires that is no date is in the past, and so are two that differ', () => {
  for (const lines of [['Expires: 0'], ['Expires:'], [`Expires: ${dateIn(10)}`, `Expires: ${dateIn(20)}`]])
    assert.equal(lifetime([NOW, `Last-Modified: ${dateIn(-1000)}`, ...lines]), 'expires 0');
  assert.equal(lifetime([NOW, `Expires: ${dateIn(10)}`, `Expires: ${dateIn(10)}`]), 'expires 10');
});

test('beside a targeted field neither Cache-Control nor Expires is looked at', () => {
  const others = ['Cache-Control: max-age=60', `Expires: ${dateIn(60)}`];
  assert.equal(lifetime([...others, 'CDN-Cache-Control: max-age=5']), 'max-age 5');
  assert.equal(lifetime([...others, 'CDN-Cache-Control: foobar']), 'none 0');
});

test('without a lifetime a response stays fresh for a tenth of its age, and for a day at most', () => {
  assert.equal(lifetime([NOW, `Last-Modified: ${dateIn(-1000)}`]), 'heuristic 100');
  assert.equal(lifetime([NOW, `Last-Modified: ${dateIn(-100_000_000)}`]), 'heuristic 86400');
  for (const date of [dateIn(0), dateIn(60), 'foo'])
    assert.equal(lifetime([NOW, `Last-Modified: ${date}`]), 'none 0');
});

test('only some statuses are fresh by heuristic, and those that are said to be public', () => {
  const modified = [NOW, `Last-Modified: ${dateIn(-1000)}`];
  for (const status of [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501])
    assert.equal(lifetime(modified, status), 'heuristic 100', String(status));
  for (const status of [201, 202, 302, 303, 307, 403, 500, 502, 503, 504, 599])
    assert.equal(lifetime(modified, status), 'none 0', String(status));
  assert.equal(lifetime([...modified, 'Cache-Control: public'], 599), 'heuristic 100');
});
