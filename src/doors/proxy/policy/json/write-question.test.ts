import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { writeQuestion } from './write-question.ts';

const request = {
  method: 'GET',
  host: 'h',
  url: '/p?q',
  fields: ['Accept', 'a', 'accept', 'b'],
  client: '::1',
};
const response = { status: 200, fields: ['ETag', '"x"'] };
const req = { method: 'GET', host: 'h', url: '/p?q', headers: { accept: ['a', 'b'] } };
const resp = { status: 200, headers: { etag: ['"x"'] } };

test('each hook is asked in its own words', () => {
  const asked = (text: string): unknown => JSON.parse(text);
  assert.deepEqual(asked(writeQuestion('vcl_recv', { request })), { client: '::1', req });
  assert.deepEqual(asked(writeQuestion('vcl_hash', { request })), { client: '::1', req });
  assert.deepEqual(asked(writeQuestion('vcl_hit', { request, response, age: 5, ttl: -1.5 })), {
    client: '::1',
    req,
    obj: { ...resp, age: 5, ttl: -1.5 },
  });
  assert.deepEqual(asked(writeQuestion('vcl_backend_fetch', { request })), { client: '::1', bereq: req });
  assert.deepEqual(asked(writeQuestion('vcl_backend_response', { request, response, ttl: null })), {
    client: '::1',
    bereq: req,
    beresp: { ...resp, ttl: null },
  });
  assert.deepEqual(asked(writeQuestion('vcl_deliver', { request, response, hit: true })), {
    client: '::1',
    req,
    resp,
    hit: true,
  });
});

test('there are no blanks between parts, and the order is always the same: guests may look for text', () => {
  assert.equal(
    writeQuestion('vcl_deliver', { request, response, hit: false }),
    '{"client":"::1","req":{"method":"GET","host":"h","url":"/p?q","headers":{"accept":["a","b"]}},"resp":{"status":200,"headers":{"etag":["\\"x\\""]}},"hit":false}',
  );
});

test('what is no number is null', () => {
  const question = writeQuestion('vcl_hit', { request, response, age: 0, ttl: Number.POSITIVE_INFINITY });
  assert.equal(JSON.parse(question).obj.ttl, null);
});

test('whatever fields hold, a guest reads the same', () => {
  const name = fc.oneof(
    fc.constantFrom('__proto__', 'Constructor', 'a', 'A', '1'),
    fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,9}$/),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, fc.oneof(fc.string(), fc.string({ unit: 'binary' })))),
      fc.string(),
      (lines, url) => {
        const { req } = JSON.parse(
          writeQuestion('vcl_recv', { request: { ...request, url, fields: lines.flat() } }),
        );
        const expected = new Map<string, string[]>();
        for (const [key, value] of lines) {
          const lower = key.toLowerCase();
          expected.set(lower, [...(expected.get(lower) ?? []), value]);
        }
        assert.equal(req.url, url);
        assert.deepEqual(new Map(Object.entries(req.headers)), expected);
      },
    ),
  );
});
