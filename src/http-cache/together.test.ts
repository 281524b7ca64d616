import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf } from '../../test/rig/heads.ts';
import { type Answer, type Origin, ReferenceCache } from '../../test/rig/reference-cache.ts';
import { fieldValue } from './fields.ts';

/** Answers one request after the other; keeps what it was asked. */
class ScriptedOrigin {
  readonly asked: { readonly method: string; readonly fields: readonly string[] }[] = [];
  readonly #script: (Answer | undefined)[];

  constructor(...script: readonly (Answer | undefined)[]) {
    this.#script = [...script];
  }

  readonly answer: Origin = (request) => {
    this.asked.push(request);
    if (this.#script.length === 0)
      throw new Error(`the script has no answer to request ${this.asked.length}`);
    return this.#script.shift();
  };

  sent(index: number, name: string): string | undefined {
    return fieldValue(this.asked[index]?.fields ?? [], name);
  }
}

function answer(body: string, lines: readonly string[], status = 200): Answer {
  return { status, fields: fieldsOf(...lines), body };
}

function open(...script: readonly (Answer | undefined)[]) {
  const origin = new ScriptedOrigin(...script);
  return { origin, cache: new ReferenceCache(origin.answer) };
}

const MINUTE = 'Cache-Control: max-age=60';

test('a fresh response is served with its age, and its own Date', () => {
  const { cache, origin } = open(answer('one', [MINUTE, 'Age: 5']));
  cache.ask();
  cache.now += 3_000;
  const hit = cache.ask();
  assert.deepEqual(
    [hit.body, hit.detail, fieldValue(hit.fields, 'age'), origin.asked.length],
    ['one', 'hit', '8', 1],
  );
});

test('a stale response is validated, and lives again by the word of the 304', () => {
  const { cache, origin } = open(
    answer('one', [MINUTE, 'ETag: "a"', 'A: 1', 'B: 1']),
    answer('', ['ETag: "a"', 'A: 2'], 304),
  );
  cache.ask();
  cache.now += 60_000;
  const validated = cache.ask();
  assert.equal(origin.sent(1, 'if-none-match'), '"a"');
  assert.deepEqual([validated.status, validated.body], [200, 'one']);
  assert.deepEqual([fieldValue(validated.fields, 'a'), fieldValue(validated.fields, 'b')], ['2', '1']);
  cache.now += 59_000;
  assert.equal(cache.ask().detail, 'hit');
});

test('a 304 that is about something else makes the cache ask again without conditions', () => {
  const { cache, origin } = open(
    answer('one', ['Cache-Control: no-cache', 'ETag: "a"']),
    answer('', ['ETag: "b"'], 304),
    answer('two', ['Cache-Control: no-cache', 'ETag: "b"']),
  );
  cache.ask();
  assert.equal(cache.ask().body, 'two');
  assert.equal(origin.sent(2, 'if-none-match'), undefined);
});

test('a 304 that forbids to keep the response is the last of it', () => {
  const { cache } = open(
    answer('one', ['Cache-Control: no-cache', 'ETag: "a"']),
    answer('', ['Cache-Control: no-store, max-age=60', 'ETag: "a"'], 304),
    answer('two', []),
  );
  cache.ask();
  assert.equal(cache.ask().body, 'one');
  assert.equal(cache.ask().body, 'two');
});

test('a client that has the response already is told so after the cache has validated its own', () => {
  const { cache, origin } = open(answer('one', [MINUTE, 'ETag: "a"']), answer('', ['ETag: "a"'], 304));
  cache.ask();
  cache.now += 60_000;
  const told = cache.ask({ fields: fieldsOf('If-None-Match: "x", "a"') });
  assert.deepEqual([told.status, fieldValue(told.fields, 'etag')], [304, '"a"']);
  assert.equal(origin.sent(1, 'if-none-match'), '"a"');
});

test('a condition that is for the origin reaches it, however fresh what is stored', () => {
  const { cache, origin } = open(answer('one', [MINUTE, 'ETag: "a"']), answer('', [], 412));
  cache.ask();
  assert.equal(cache.ask({ fields: fieldsOf('If-Match: "b"') }).status, 412);
  assert.equal(origin.sent(1, 'if-match'), '"b"');
  assert.equal(cache.ask().body, 'one');
});

test('a 304 for a variant that the cache did not have for this request serves it from then on', () => {
  const { cache, origin } = open(
    answer('one', [MINUTE, 'Vary: Foo', 'ETag: "a"']),
    answer('', ['ETag: "a"'], 304),
  );
  cache.ask({ fields: fieldsOf('Foo: 1') });
  assert.equal(cache.ask({ fields: fieldsOf('Foo: 2') }).body, 'one');
  assert.equal(origin.sent(1, 'if-none-match'), '"a"');
  for (const foo of ['1', '2']) assert.equal(cache.ask({ fields: fieldsOf(`Foo: ${foo}`) }).detail, 'hit');
});

test('within its window a stale response is served once more, and the next is the one that was fetched meanwhile', () => {
  const { cache } = open(
    answer('one', ['Cache-Control: max-age=1, stale-while-revalidate=10']),
    answer('two', [MINUTE]),
  );
  cache.ask();
  cache.now += 5_000;
  assert.deepEqual(
    [cache.ask(), cache.ask()].map(({ body }) => body),
    ['one', 'two'],
  );
});

test('while the origin is away a stale response does, unless it must be validated', () => {
  for (const [words, status] of [
    ['max-age=1', 200],
    ['max-age=1, must-revalidate', 504],
    ['max-age=1, proxy-revalidate', 504],
    ['max-age=1, no-cache', 504],
    ['s-maxage=1', 504],
  ] as const) {
    const { cache } = open(answer('one', [`Cache-Control: ${words}`, 'ETag: "a"']), undefined);
    cache.ask();
    cache.now += 5_000;
    assert.equal(cache.ask().status, status, words);
  }
});

test('a change outdates what was stored, a change that failed does not', () => {
  const { cache } = open(
    answer('one', [MINUTE]),
    answer('', [], 500),
    answer('', [], 204),
    answer('two', [MINUTE]),
  );
  cache.ask();
  cache.ask({ method: 'PUT' });
  assert.equal(cache.ask().body, 'one');
  cache.ask({ method: 'DELETE' });
  assert.equal(cache.ask().body, 'two');
});

test('a POST whose answer is said to be that of a GET answers the next GET', () => {
  const { cache } = open(answer('made', [MINUTE, 'Content-Location: /']));
  cache.ask({ method: 'POST' });
  assert.deepEqual([cache.ask().body, cache.ask({ method: 'HEAD' }).body], ['made', '']);
});

test('a HEAD that agrees freshens the response to a GET, and one that does not ends it', () => {
  for (const [length, body] of [
    ['3', 'one'],
    ['4', 'two'],
  ] as const) {
    const { cache } = open(
      answer('one', ['Cache-Control: max-age=1', 'Content-Length: 3']),
      answer('', [MINUTE, `Content-Length: ${length}`]),
      answer('two', []),
    );
    cache.ask();
    cache.now += 5_000;
    cache.ask({ method: 'HEAD' });
    assert.equal(cache.ask().body, body, length);
  }
});

test('ranges are served from the whole', () => {
  const { cache } = open(answer('0123456789', [MINUTE]));
  cache.ask();
  const part = cache.ask({ fields: fieldsOf('Range: bytes=-3') });
  assert.deepEqual(
    [part.status, part.body, fieldValue(part.fields, 'content-range')],
    [206, '789', 'bytes 7-9/10'],
  );
  assert.equal(cache.ask({ fields: fieldsOf('Range: bytes=10-') }).status, 416);
});

test('a part is served as far as it goes, and completed when the whole is asked for', () => {
  const { cache, origin } = open(
    answer('01234', [MINUTE, 'ETag: "a"', 'Content-Range: bytes 0-4/10'], 206),
    answer('56789', [MINUTE, 'ETag: "a"', 'Content-Range: bytes 5-9/10'], 206),
  );
  cache.ask({ fields: fieldsOf('Range: bytes=0-4') });
  assert.equal(cache.ask({ fields: fieldsOf('Range: bytes=1-2') }).body, '12');
  const whole = cache.ask();
  assert.deepEqual([origin.sent(1, 'range'), origin.sent(1, 'if-range')], ['bytes=5-', '"a"']);
  assert.deepEqual([whole.status, whole.body], [200, '0123456789']);
  assert.equal(cache.ask().detail, 'hit');
});

test('a rest that belongs to other bytes is not put to the part', () => {
  const { cache } = open(
    answer('01234', [MINUTE, 'ETag: "a"', 'Content-Range: bytes 0-4/10'], 206),
    answer('vwxyz', [MINUTE, 'ETag: "b"', 'Content-Range: bytes 5-9/10'], 206),
    answer('qrstuvwxyz', [MINUTE, 'ETag: "b"']),
  );
  cache.ask({ fields: fieldsOf('Range: bytes=0-4') });
  const whole = cache.ask();
  assert.deepEqual([whole.status, whole.body], [200, 'qrstuvwxyz']);
});

test('what is served to all never has what was said to one', () => {
  const { cache } = open(
    answer('one', [
      'Cache-Control: max-age=60, no-cache="set-cookie"',
      'Set-Cookie: a=b',
      'Connection: x',
      'X: 1',
    ]),
  );
  const first = cache.ask();
  assert.equal(fieldValue(first.fields, 'set-cookie'), 'a=b');
  const hit = cache.ask();
  assert.deepEqual(
    ['set-cookie', 'x', 'connection'].map((name) => fieldValue(hit.fields, name)),
    [undefined, undefined, undefined],
  );
});
