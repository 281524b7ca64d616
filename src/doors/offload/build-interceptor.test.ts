import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { type InterceptedAnswer, streamOf } from '../../http/response-interceptor.ts';
import { fieldNames, fieldValue } from '../../http-cache/fields.ts';
import type { Binary } from './binary.ts';
import { BuildInterceptor } from './build-interceptor.ts';
import { type BuildSpec, buildKey, MAX_SPEC_BYTES } from './build-spec.ts';
import type { OpenedBinary } from './builds.ts';

const NEVER = new AbortController().signal;
const MESSAGE = JSON.stringify({ rr_version: 'v1.0.0', plugins: [{ module_name: 'm', tag: 't' }] });
const CONTENT = '0123456789';
const ASKS = ['X-Velox-Build', 'true'];

/** Builds that give one content, and what was asked of them. */
function openInterceptor(builtAt = Date.UTC(2026, 0, 1)) {
  const asked: BuildSpec[] = [];
  let isOpen = false;
  const builds = {
    async open(spec: BuildSpec): Promise<OpenedBinary> {
      asked.push(spec);
      isOpen = true;
      const end = (): void => {
        isOpen = false;
      };
      const binary: Binary = {
        key: buildKey(spec),
        sizeBytes: CONTENT.length,
        builtAt,
        stream(span) {
          const { first, last } = span === 'whole' ? { first: 0, last: CONTENT.length } : span;
          return Readable.from([Buffer.from(CONTENT.slice(first, last + 1))]).once('close', end);
        },
        sendTo: () => assert.fail('it is read as a stream here'),
        begins: async () => true,
        close: end,
      };
      return { binary, source: 'built' };
    },
  };
  const interceptor = new BuildInterceptor(builds);
  const answer = (
    headers: Record<string, string> = {},
    fields: readonly string[] = ASKS,
    body: Buffer | Readable = Buffer.from(MESSAGE),
    method = 'GET',
  ): Promise<InterceptedAnswer> => {
    const stream = body instanceof Readable ? body : Readable.from([body]);
    return interceptor.answer({ method, headers }, { status: 200, fields }, stream, NEVER);
  };
  return { interceptor, answer, asked, isOpen: () => isOpen };
}

async function contentOf({ body }: InterceptedAnswer): Promise<string | undefined> {
  return body && text(streamOf(body));
}

describe('a response asks for a build', () => {
  const { interceptor } = openInterceptor();
  const cases: [boolean, method: string, status: number, fields: readonly string[]][] = [
    [true, 'GET', 200, ['x-VELOX-build', '1']],
    [true, 'POST', 201, ['Content-Type', 'a/b', 'X-Velox-Build', 'false']],
    [false, 'GET', 200, ['X-Velox-Build', ' ']],
    [false, 'GET', 200, ['X-Velox-Builder', 'true']],
    [false, 'HEAD', 200, ASKS],
    [false, 'GET', 304, ASKS],
    [false, 'GET', 204, ASKS],
  ];
  for (const [takes, method, status, fields] of cases)
    test(`${takes ? 'with' : 'not with'} ${method}, ${status} and ${fields.join(' ')}`, () => {
      assert.equal(interceptor.takes(method, { status, fields }), takes);
    });
});

describe('the answer', () => {
  test('is the binary, with the fields of the origin that are not about its own body or connection', async () => {
    const { answer, isOpen } = openInterceptor();
    const origin = [
      ...ASKS,
      ...['Content-Type', 'application/json', 'Content-Encoding', 'identity', 'Content-Length', '80'],
      ...['ETag', '"json"', 'Connection', 'close, X-Hop', 'X-Hop', '1', 'Keep-Alive', 'timeout=5'],
      ...['Content-Disposition', 'attachment; filename="rr"', 'Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'],
    ];
    const { status, fields, body } = await answer({}, origin);
    assert.equal(status, 200);
    assert.deepEqual(fields.slice(0, 6), [
      ...['Content-Disposition', 'attachment; filename="rr"'],
      ...['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'],
    ]);
    assert.equal(fieldValue(fields, 'content-type'), 'application/octet-stream');
    assert.equal(fieldValue(fields, 'content-length'), '10');
    assert.match(fieldValue(fields, 'etag') ?? '', /^"[0-9a-f]{64}-[0-9a-z]+"$/);
    assert.equal(fieldNames(fields).has('x-velox-build'), false);
    assert.equal(await contentOf({ status, fields, body }), CONTENT);
    assert.equal(isOpen(), false);
  });

  test('is a part where a Range asks for one, unless If-Range names other bytes', async () => {
    const { answer } = openInterceptor();
    const part = await answer({ range: 'bytes=2-4' });
    assert.deepEqual([part.status, fieldValue(part.fields, 'content-range')], [206, 'bytes 2-4/10']);
    assert.equal(await contentOf(part), '234');
    const etag = fieldValue(part.fields, 'etag') ?? '';
    assert.equal((await answer({ range: 'bytes=-1', 'if-range': etag })).status, 206);
    assert.equal((await answer({ range: 'bytes=-1', 'if-range': '"other"' })).status, 200);

    const rebuilt = openInterceptor(Date.UTC(2026, 0, 2));
    assert.equal((await rebuilt.answer({ range: 'bytes=-1', 'if-range': etag })).status, 200);
  });

  test('has no body, and the binary is closed, for a range beyond its end and for what the client has', async () => {
    const { answer, isOpen } = openInterceptor();
    const beyond = await answer({ range: 'bytes=10-' });
    assert.deepEqual([beyond.status, fieldValue(beyond.fields, 'content-range')], [416, 'bytes */10']);
    assert.deepEqual([beyond.body, isOpen()], [undefined, false]);

    const whole = await answer();
    const etag = fieldValue(whole.fields, 'etag') ?? '';
    await contentOf(whole);
    const known = await answer({ 'if-none-match': etag });
    assert.deepEqual([known.status, known.body, isOpen()], [304, undefined, false]);
    assert.equal(fieldValue(known.fields, 'etag'), etag);
    assert.equal(fieldNames(known.fields).has('content-length'), false);

    await assert.rejects(answer({ 'if-match': '"other"' }), { code: 'PRECONDITION_FAILED' });
    assert.equal(isOpen(), false);
  });

  test('to a POST heeds neither Range nor conditions', async () => {
    const { answer } = openInterceptor();
    const headers = { range: 'bytes=2-4', 'if-none-match': '*' };
    assert.equal((await answer(headers, ASKS, Buffer.from(MESSAGE), 'POST')).status, 200);
  });
});

describe('the body of the origin', () => {
  const codings = { gzip: gzipSync, br: brotliCompressSync, zstd: zstdCompressSync };
  for (const [coding, encode] of Object.entries(codings))
    test(`may be in the coding ${coding}`, async () => {
      const { answer, asked } = openInterceptor();
      await answer({}, [...ASKS, 'Content-Encoding', coding], encode(MESSAGE));
      assert.equal(asked[0]?.rrVersion, 'v1.0.0');
    });

  const bomb = gzipSync(Buffer.alloc(MAX_SPEC_BYTES + 1, ' '));
  const refused: Record<string, [fields: readonly string[], body: Buffer]> = {
    'is no JSON': [ASKS, Buffer.from('no')],
    'is no build request': [ASKS, Buffer.from('{}')],
    'is too large': [ASKS, Buffer.alloc(MAX_SPEC_BYTES + 1, ' ')],
    'is too large once decoded': [[...ASKS, 'Content-Encoding', 'gzip'], bomb],
    'is not in its coding': [[...ASKS, 'Content-Encoding', 'gzip'], Buffer.from(MESSAGE)],
    'is in a coding nobody knows': [[...ASKS, 'Content-Encoding', 'lzma'], Buffer.from(MESSAGE)],
  };
  for (const [what, [fields, bytes]] of Object.entries(refused))
    test(`is refused where it ${what}, and nothing is built`, async () => {
      const { answer, asked } = openInterceptor();
      const body = Readable.from([bytes]);
      await assert.rejects(answer({}, fields, body), { code: 'BAD_REQUEST', status: 400 });
      assert.deepEqual([asked, body.destroyed], [[], true]);
    });

  test('that breaks off is a failure of the origin', async () => {
    const { answer } = openInterceptor();
    const body = new Readable({ read: () => {} });
    body.push('{');
    const failed = assert.rejects(answer({}, ASKS, body), { code: 'ORIGIN_FAILED' });
    body.destroy(new Error('reset'));
    await failed;
  });

  test('is at its end before anything is built', async () => {
    const body = Readable.from([Buffer.from(MESSAGE)]);
    const isEnded = Promise.withResolvers<boolean>();
    const interceptor = new BuildInterceptor({
      open: () => {
        isEnded.resolve(body.readableEnded);
        return Promise.reject(new Error('not here'));
      },
    });
    const answer = interceptor.answer(
      { method: 'GET', headers: {} },
      { status: 200, fields: ASKS },
      body,
      NEVER,
    );
    await assert.rejects(answer, /not here/);
    assert.equal(await isEnded.promise, true);
  });
});
