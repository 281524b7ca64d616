import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromFlatFields, toFlatFields } from './http2-fields.ts';

describe('fields of an HTTP/2 request', () => {
  test('begin with the authority as Host, once', () => {
    const headers = { ':authority': 'a.org' };
    const raw = [':method', 'GET', ':authority', 'a.org', 'host', 'a.org', 'x-a', '1', 'x-a', '2'];
    assert.deepEqual(toFlatFields(headers, raw, true), ['host', 'a.org', 'x-a', '1', 'x-a', '2']);
    assert.deepEqual(toFlatFields({}, ['host', 'b.org'], true), ['host', 'b.org']);
  });

  test('keep a Host that is another one, to be refused', () => {
    assert.deepEqual(toFlatFields({ ':authority': 'a.org' }, ['host', 'b.org'], true), [
      ...['host', 'a.org'],
      ...['host', 'b.org'],
    ]);
  });

  test('have one Cookie, and none about a connection', () => {
    const raw = ['cookie', 'a=1', 'connection', 'x', 'te', 'trailers', 'cookie', 'b=2', 'upgrade', 'h2c'];
    assert.deepEqual(toFlatFields({}, raw, true), ['te', 'trailers', 'cookie', 'a=1; b=2']);
  });

  test('say how the body ends', () => {
    assert.deepEqual(toFlatFields({}, [], false), ['transfer-encoding', 'chunked']);
    const counted = ['content-length', '5'];
    assert.deepEqual(toFlatFields({ 'content-length': '5' }, counted, false), counted);
  });
});

test('lines of one name are one in an HTTP/2 answer, but for Set-Cookie; none is about a connection', () => {
  const fields = ['Vary', 'a', 'Set-Cookie', 'a=1', 'vary', 'b', 'set-cookie', 'b=2', 'Connection', 'close'];
  assert.deepEqual({ ...fromFlatFields(fields) }, { vary: 'a, b', 'set-cookie': ['a=1', 'b=2'] });
});
