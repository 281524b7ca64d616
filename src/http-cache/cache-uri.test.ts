import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CacheUri, cacheUri, originOf, resolveReference } from './cache-uri.ts';

test('scheme, host and default port are written in one way', () => {
  for (const host of ['Example.COM', 'example.com:80', 'example.com:', 'eXample.com:80'])
    assert.equal(cacheUri('http', host, '/'), 'http://example.com/', host);
  assert.equal(cacheUri('https', 'example.com:443', '/'), 'https://example.com/');
  assert.equal(cacheUri('http', 'example.com:443', '/'), 'http://example.com:443/');
  assert.equal(cacheUri('http', '[::1]:8080', '/'), 'http://[::1]:8080/');
});

test('path and query are left as the origin receives them', () => {
  for (const target of ['/a%2fB/%41/./../c', '/?b=1&a=2&&', '/?', '//double', '/é;x', '/a?b?c'])
    assert.equal(cacheUri('http', 'h', target), `http://h${target}`);
  assert.notEqual(cacheUri('http', 'h', '/?'), cacheUri('http', 'h', '/'));
});

test('an absolute target says where it goes, whatever Host says', () => {
  assert.equal(cacheUri('http', 'h', 'HTTPS://Other:443/x?y'), 'https://other/x?y');
  assert.equal(cacheUri('http', 'h', 'http://other'), 'http://other/');
  assert.equal(cacheUri('http', 'h', 'http://other?q'), 'http://other/?q');
});

test('what is no target of a request has no URI', () => {
  for (const target of [
    '',
    '*',
    'x',
    '/a#b',
    '/a b',
    '/a\nb',
    '/\0',
    'ftp://h/',
    'http:///x',
    'http://u@h/',
    'h:80',
  ])
    assert.equal(cacheUri('http', 'h', target), undefined, JSON.stringify(target));
  for (const host of ['', 'a b', 'u@h', 'h:1:2', 'h/x', 'h:port', '[x]', 'h#'])
    assert.equal(cacheUri('http', host, '/'), undefined, host);
});

test('two targets have one URI only if they are the same bytes', () => {
  const targets = fc.stringMatching(/^\/[!-~]{0,20}$/);
  fc.assert(
    fc.property(targets, targets, (a, b) => {
      const [first, second] = [cacheUri('http', 'h', a), cacheUri('http', 'h', b)];
      if (first !== undefined) assert.equal(first === second, a === b);
    }),
  );
});

const BASE = 'http://h:8080/a/b?c' as CacheUri;

const REFERENCES: Readonly<Record<string, string | undefined>> = {
  '': BASE,
  '#part': BASE,
  '/x%2f?y#part': 'http://h:8080/x%2f?y',
  x: 'http://h:8080/a/x',
  '../x': 'http://h:8080/x',
  '?d': 'http://h:8080/a/b?d',
  '//Other/x': 'http://other/x',
  'https://h:8080/x': 'https://h:8080/x',
  'HTTP://h:8080/a/b?c': BASE,
  'mailto:x@y': undefined,
  'http://': undefined,
};

for (const [reference, uri] of Object.entries(REFERENCES))
  test(`«${reference}» means ${uri ?? 'nothing of HTTP'}`, () => {
    assert.equal(resolveReference(reference, BASE), uri);
  });

test('a reference that says where it goes is left as it is written, and an empty one is its base', () => {
  assert.equal(resolveReference('/a/../%41?b=%2e', BASE), 'http://h:8080/a/../%41?b=%2e');
  const odd = 'http://h/a/../%41' as CacheUri;
  for (const reference of ['', '#x', ' ']) assert.equal(resolveReference(reference, odd), odd);
});

test('any reference means something or nothing', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const uri = resolveReference(text, BASE);
      if (uri !== undefined) assert.match(originOf(uri), /^https?:\/\/[^/]+$/);
    }),
  );
});
