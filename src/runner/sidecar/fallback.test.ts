import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fallbackFor, isForClient } from './fallback.ts';

const sentence = (method: string, path: string): string => {
  const { status, body, means } = fallbackFor(method, path);
  return `${status} ${means}${body.startsWith('{') ? ` ${body}` : ''}`;
};

describe('in place of an answer clients are told what they take for', () => {
  for (const [what, method, path, told] of [
    ['a miss of Nx', 'GET', '/v1/cache/12', '404 miss'],
    ['an upload of Nx that is not allowed', 'PUT', '/t/acme/v1/cache/12', '403 dropped'],
    ['a miss of Turborepo', 'GET', '/v8/artifacts/ab', '404 miss'],
    ['its upload that is done', 'PUT', '/v8/artifacts/ab', '200 dropped'],
    ['its events that are told', 'POST', '/t/acme/v8/artifacts/events', '200 dropped {}'],
    ['a miss of Bazel', 'HEAD', '/cas/ab', '404 miss'],
    ['a folder of WebDAV that is made', 'MKCOL', '/webdav/a/', '201 dropped'],
    [
      'a miss of GitHub’s cache service',
      'POST',
      '/twirp/github.actions.results.api.v1.CacheService/GetCacheEntryDownloadURL',
      '200 miss {"ok":false}',
    ],
    ['trouble, where nothing else is true', 'DELETE', '/v1/cache/12', '502 refused'],
    ['trouble, where nothing else is true', 'POST', '/v1/negotiate', '502 refused'],
  ] as const)
    test(`${what}: ${method} ${path}`, () => assert.equal(sentence(method, path), told));
});

describe('an answer is not for the client', () => {
  const head = (status: number, contentType?: string) => ({ status, contentType });

  test('where it is the gateway’s own trouble, or complains of a token which is not the client’s', () => {
    for (const status of [500, 503, 401, 407]) {
      assert.equal(isForClient('GET', '/v8/artifacts/ab', head(status)), false);
      assert.equal(isForClient('PUT', '/v1/cache/1', head(status)), false);
    }
    for (const status of [200, 302, 403, 404, 409, 413, 429])
      assert.equal(isForClient('PUT', '/v8/artifacts/ab', head(status)), true);
  });

  test('where it would end a build of Nx', () => {
    const passed = (method: string) =>
      [200, 201, 202, 204, 400, 403, 404, 409, 413, 429].filter((status) =>
        isForClient(method, '/v1/cache/1', head(status, 'application/octet-stream')),
      );
    assert.deepEqual(passed('GET'), [200, 404]);
    assert.deepEqual(passed('PUT'), [200, 403, 409]);
    assert.equal(isForClient('GET', '/v1/cache/1', head(200, 'text/html; charset=utf-8')), false);
  });
});
