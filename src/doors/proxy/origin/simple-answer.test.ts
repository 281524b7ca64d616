import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simpleAnswerIn } from './simple-answer.ts';

const LIMITS = { maxHeadBytes: 1024, maxFields: 4 };
const read = (text: string, method: 'GET' | 'HEAD' = 'GET') =>
  simpleAnswerIn(Buffer.from(text, 'latin1'), method, LIMITS);

test('a head with a length is read as it was sent', () => {
  const head = 'HTTP/1.1 299 Odd One\r\nX-A:b\r\nx-a: c d\r\nEmpty:\r\ncontent-length: 5\r\n\r\n';
  assert.deepEqual(read(`${head}hello`), {
    ...{ status: 299, reason: 'Odd One', length: 5, bodyAt: head.length, keptSeconds: undefined },
    fields: ['X-A', 'b', 'x-a', 'c d', 'Empty', '', 'content-length', '5'],
  });
});

test('of chunks no length is known', () => {
  assert.equal(read('HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n')?.length, 'chunked');
});

test('what answers a HEAD, and a 304, has no body, whatever length it names', () => {
  assert.equal(read('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'HEAD')?.length, 0);
  assert.equal(read('HTTP/1.1 200 OK\r\n\r\n', 'HEAD')?.length, 0);
  assert.equal(read('HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n')?.length, 0);
});

test('how long the origin keeps the connection is heard', () => {
  const head = 'HTTP/1.1 200 \r\nConnection: Keep-Alive\r\nKeep-Alive: timeout=5, max=100\r\n';
  assert.equal(read(`${head}Content-Length: 0\r\n\r\n`)?.keptSeconds, 5);
});

const notSimple: Record<string, string> = {
  'not all there': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n',
  'without a length': 'HTTP/1.1 200 OK\r\n\r\nhello',
  'of two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello',
  'of a length with a sign': 'HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello',
  'of a length beyond exact numbers': 'HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999\r\n\r\n',
  'of a length and a coding': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
  'of two codings': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
  'of a 304 in chunks': 'HTTP/1.1 304 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
  'of a 204': 'HTTP/1.1 204 No Content\r\n\r\n',
  'an interim one': 'HTTP/1.1 103 Early Hints\r\n\r\n',
  'a switch': 'HTTP/1.1 101 Hi\r\nUpgrade: a\r\n\r\n',
  'of a status beyond 599': 'HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n',
  'of HTTP/1.0': 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  'the last on its connection': 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
  'one that names fields of its connection':
    'HTTP/1.1 200 OK\r\nConnection: keep-alive, x\r\nContent-Length: 0\r\n\r\n',
  'one that offers another protocol': 'HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n',
  'one that announces trailers': 'HTTP/1.1 200 OK\r\nTrailer: X\r\nTransfer-Encoding: chunked\r\n\r\n',
  'one with a folded line': 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n',
  'one with a blank before a colon': 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n',
  'one with blanks around a value': 'HTTP/1.1 200 OK\r\nX:  a \r\nContent-Length: 0\r\n\r\n',
  'one with a bare CR': 'HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n',
  'one with a bare LF': 'HTTP/1.1 200 OK\r\nX: a\nY: b\r\nContent-Length: 0\r\n\r\n',
  'one with bytes beyond ASCII': 'HTTP/1.1 200 OK\r\nX: \xe9\r\nContent-Length: 0\r\n\r\n',
  'one with too many fields': `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(4)}Content-Length: 0\r\n\r\n`,
  'one with too large a head': `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(1024)}\r\nContent-Length: 0\r\n\r\n`,
};

for (const [what, answer] of Object.entries(notSimple))
  test(`an answer is not simple: ${what}`, () => assert.equal(read(answer), undefined));
