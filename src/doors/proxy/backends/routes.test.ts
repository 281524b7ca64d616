import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Routes } from './routes.ts';

const ROUTES = new Routes([
  { name: 'shop', hosts: ['shop.example.org'], path: '' },
  { name: 'shop-api', hosts: ['shop.example.org'], path: '/api' },
  { name: 'shop-api-v2', hosts: ['shop.example.org'], path: '/api/v2' },
  { name: 'below', hosts: ['*.example.org'], path: '' },
  { name: 'far-below', hosts: ['*.eu.example.org'], path: '' },
  { name: 'images', hosts: ['img.example.org'], path: '/img' },
  { name: 'health', hosts: undefined, path: '/health' },
]);

function chosen(host: string, target: string): string {
  try {
    return ROUTES.choose(host, target).name;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('a backend is chosen', () => {
  test('by an exact host before a wildcard, and by the longer wildcard before the shorter', () => {
    assert.equal(chosen('shop.example.org', '/'), 'shop');
    assert.equal(chosen('other.example.org', '/'), 'below');
    assert.equal(chosen('a.b.example.org', '/'), 'below');
    assert.equal(chosen('a.eu.example.org', '/'), 'far-below');
    assert.equal(chosen('shop.example.org:8080', '/'), 'shop');
    assert.equal(chosen('shop.example.org.', '/'), 'shop');
  });

  test('by the longest path that the target is at or below, whatever its query', () => {
    assert.equal(chosen('shop.example.org', '/api'), 'shop-api');
    assert.equal(chosen('shop.example.org', '/api?x=/api/v2'), 'shop-api');
    assert.equal(chosen('shop.example.org', '/api/v2/'), 'shop-api-v2');
    assert.equal(chosen('shop.example.org', '/api/v20'), 'shop-api');
    assert.equal(chosen('shop.example.org', '/apix'), 'shop');
    assert.equal(chosen('shop.example.org', '*'), 'shop');
  });

  test('by a weaker host where the stronger one has no such path', () => {
    assert.equal(chosen('img.example.org', '/img/1'), 'images');
    assert.equal(chosen('img.example.org', '/css'), 'below');
    assert.equal(chosen('elsewhere.net', '/health'), 'health');
  });

  test('or none: a host that nobody names, a path that nobody takes', () => {
    const routes = new Routes([{ name: 'a', hosts: ['a.org', '*.b.org'], path: '/a' }]);
    assert.throws(() => routes.choose('b.org', '/a'), { code: 'HOST_UNKNOWN' });
    assert.throws(() => routes.choose('org', '/a'), { code: 'HOST_UNKNOWN' });
    assert.throws(() => routes.choose('*.b.org', '/b'), { code: 'NOT_FOUND' });
    assert.throws(() => routes.choose('a.org', '/b'), { code: 'NOT_FOUND' });
    assert.equal(chosen('elsewhere.net', '/'), 'NOT_FOUND');
  });

  test('in bounded work, whatever the host', () => {
    fc.assert(
      fc.property(fc.string(), fc.webPath(), (host, target) => {
        assert.match(chosen(host, target), /^(?:[a-z0-9-]+|HOST_UNKNOWN|NOT_FOUND)$/);
      }),
    );
    assert.equal(chosen(`${'a.'.repeat(4_000)}example.org`, '/'), 'NOT_FOUND');
  });
});
