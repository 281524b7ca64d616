import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf } from '../../test/rig/heads.ts';
import type { CacheUri } from './cache-uri.ts';
import { outdatedUris } from './invalidation.ts';

const URI = 'http://h/thing' as CacheUri;

test('what an unsafe method did well outdates its URI, and so does a method that nobody knows', () => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH', 'get'])
    for (const status of [200, 204, 303])
      assert.deepEqual(outdatedUris(method, URI, status, []), [URI], method);
});

test('safe methods and errors outdate nothing', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE'])
    assert.deepEqual(outdatedUris(method, URI, 200, []), []);
  for (const status of [100, 400, 404, 500, 503]) assert.deepEqual(outdatedUris('PUT', URI, status, []), []);
});

test('what its answer names is outdated too, if it is of the same origin', () => {
  const answer = fieldsOf('Location: /new', 'Content-Location: http://h/other#x', 'Location: thing');
  assert.deepEqual(outdatedUris('POST', URI, 201, answer), [URI, 'http://h/new', 'http://h/other']);
});

test('of another origin nobody may outdate anything', () => {
  for (const there of ['http://other/x', 'https://h/x', '//h:81/x', 'http://h.other/x', 'http://'])
    assert.deepEqual(outdatedUris('POST', URI, 201, fieldsOf(`Location: ${there}`)), [URI], there);
});
