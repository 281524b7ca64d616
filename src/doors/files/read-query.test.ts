import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseReadQuery } from './read-query.ts';

const PLAIN = { kind: 'content', at: undefined, lines: undefined, wantsJson: false } as const;

test('without parameters the content as it is now is asked for', () => {
  for (const text of ['', 'sig=abc', 'hash=false', 'history=0&diff=0&stat=false&json=0'])
    assert.deepEqual(parseReadQuery(text), PLAIN);
});

test('content is read at a revision or a moment, whole or by lines', () => {
  assert.deepEqual(parseReadQuery('revision=3'), { ...PLAIN, at: { seq: 3 } });
  assert.deepEqual(parseReadQuery('at=1500'), { ...PLAIN, at: { ts: 1500 } });
  assert.deepEqual(parseReadQuery('at=1970-01-01T01:00:00+01:00&lines=-20'), {
    ...PLAIN,
    at: { ts: 0 },
    lines: { lastLines: 20 },
  });
  assert.deepEqual(parseReadQuery('lines=2-3&revision=1'), {
    ...PLAIN,
    at: { seq: 1 },
    lines: { first: 2, last: 3 },
  });
  assert.deepEqual(parseReadQuery('json'), { ...PLAIN, wantsJson: true });
});

test('a digest is that of now, of a revision or of a moment, by either name', () => {
  for (const text of ['hash', 'hash=', 'hash=1', 'hash=true', 'sha256', 'sha256=true'])
    assert.deepEqual(parseReadQuery(text), { kind: 'hash', at: undefined });
  assert.deepEqual(parseReadQuery('revision=7&sha256'), { kind: 'hash', at: { seq: 7 } });
  assert.deepEqual(parseReadQuery('hash&at=7'), { kind: 'hash', at: { ts: 7 } });
  assert.throws(() => parseReadQuery('hash&sha256'), { message: /given twice/ });
});

test('history comes in pages', () => {
  const page = { kind: 'history', afterSeq: undefined, afterId: undefined, limit: 100 };
  assert.deepEqual(parseReadQuery('history'), page);
  assert.deepEqual(parseReadQuery('history&json'), page);
  assert.deepEqual(parseReadQuery('history&after_seq=0&limit=5'), { ...page, afterSeq: 0, limit: 5 });
  assert.deepEqual(parseReadQuery('history&after_id=99'), { ...page, afterId: 99 });
  for (const text of ['limit=0', 'limit=1001', 'limit=', 'after_seq=-1', 'after_seq=1&after_id=1'])
    assert.throws(() => parseReadQuery(`history&${text}`), { code: 'BAD_REQUEST' });
});

test('a diff is from a state to another, or to what there is now', () => {
  assert.deepEqual(parseReadQuery('diff&from_seq=1'), { kind: 'diff', from: { seq: 1 }, to: undefined });
  assert.deepEqual(parseReadQuery('diff&from_ts=5&to_seq=2'), {
    kind: 'diff',
    from: { ts: 5 },
    to: { seq: 2 },
  });
  assert.deepEqual(parseReadQuery('to_ts=1970-01-01T00:00:01Z&from_seq=2&diff'), {
    ...{ kind: 'diff', from: { seq: 2 }, to: { ts: 1000 } },
  });
  assert.throws(() => parseReadQuery('diff'), { code: 'BAD_REQUEST', message: /from_seq.*from_ts/ });
  assert.throws(() => parseReadQuery('diff&to_seq=1'), { code: 'BAD_REQUEST', field: 'from_seq' });
});

test('what excludes each other is refused by both names', () => {
  const pairs = [
    ['history', 'at=1'],
    ['history', 'revision=1'],
    ['history', 'diff'],
    ['history', 'stat'],
    ['history', 'hash'],
    ['history', 'lines=1'],
    ['diff', 'at=1'],
    ['diff', 'revision=1'],
    ['diff', 'hash'],
    ['diff', 'json'],
    ['stat', 'at=1'],
    ['stat', 'lines=1'],
    ['hash', 'lines=1'],
    ['hash', 'json'],
    ['revision=1', 'at=1'],
    ['lines=1', 'json'],
  ] as const;
  for (const [one, other] of pairs)
    for (const text of [`${one}&${other}`, `${other}&${one}`])
      assert.throws(
        () => parseReadQuery(text),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, 'BAD_REQUEST');
          for (const part of [one, other])
            assert.ok(error.message.includes(`"${part.replace(/=.*/, '')}"`), text);
          return true;
        },
      );
  for (const text of ['diff&from_seq=1&from_ts=1', 'diff&from_seq=1&to_seq=2&to_ts=1'])
    assert.throws(() => parseReadQuery(text), { message: /_seq" and ".*_ts" exclude each other/ });
});

test('a parameter that says something only beside another one is refused by both names', () => {
  assert.throws(() => parseReadQuery('limit=5'), { code: 'BAD_REQUEST', message: /"limit".*"history"/ });
  assert.throws(() => parseReadQuery('from_seq=5'), { code: 'BAD_REQUEST', message: /"from_seq".*"diff"/ });
  assert.throws(() => parseReadQuery('diff&from_seq=1&limit=5'), { message: /"limit".*"history"/ });
  assert.throws(() => parseReadQuery('hash&to_seq=1'), { message: /"to_seq".*"diff"/ });
});

test('what is mistyped is refused with what was meant', () => {
  assert.throws(() => parseReadQuery('revison=1'), {
    code: 'BAD_REQUEST',
    message: /did you mean "revision"/,
  });
  assert.throws(() => parseReadQuery('histroy'), { message: /did you mean "history"/ });
  assert.throws(() => parseReadQuery('sha265'), { message: /did you mean "sha256"/ });
});

test('a state that cannot be is refused by its name', () => {
  for (const text of ['revision=0', 'revision=', 'revision=-1', 'revision=latest'])
    assert.throws(() => parseReadQuery(text), { code: 'BAD_REQUEST', field: 'revision' });
  for (const text of ['at=', 'at=yesterday', 'at=2030-02-30T00:00:00Z'])
    assert.throws(() => parseReadQuery(text), { code: 'BAD_REQUEST', field: 'at' });
});

test('whatever is sent is one thing to read, or a bad request', () => {
  const names = ['history', 'diff', 'hash', 'sha256', 'stat', 'json', 'at', 'revision', 'lines', 'limit'];
  const more = ['after_seq', 'after_id', 'from_seq', 'from_ts', 'to_seq', 'to_ts', 'sig'];
  const parameter = fc
    .tuple(fc.constantFrom(...names, ...more), fc.constantFrom('', '=', '=0', '=1', '=true', '=2-3', '=x'))
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.array(parameter, { maxLength: 4 }), (parameters) => {
      const has = (name: string): boolean =>
        parameters.some((each) => each.split('=')[0] === name && !each.endsWith('=0'));
      try {
        const query = parseReadQuery(parameters.join('&'));
        const exclusive = ['history', 'diff', 'at', 'revision'].filter(has);
        assert.ok(exclusive.length <= 1, exclusive.join());
        assert.equal(query.kind === 'history', has('history'));
        assert.equal(query.kind === 'diff', has('diff'));
        assert.equal(query.kind === 'stat', has('stat'));
        assert.equal(query.kind === 'hash', has('hash') || has('sha256'));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'BAD_REQUEST', String(error));
      }
    }),
    { numRuns: 3000 },
  );
});
