import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parentOf, parseFilePath, ROOT, STATE_FOLDER } from '../../files/file-path.ts';
import { parseMove, parsePostQuery, parseUpdateRange } from './write-query.ts';

const FILE = parseFilePath('docs/a.txt');
const segments = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  .filter((text) => !/[/\\\p{Cc}\ufffd]/u.test(text) && !['.', '..', STATE_FOLDER].includes(text));
const paths = fc.array(segments, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));

test('a POST copies, moves, makes a folder or restores', () => {
  assert.deepEqual(parsePostQuery('copy_to=b/c.txt'), { kind: 'copy', to: 'b/c.txt', overwrite: false });
  assert.deepEqual(parsePostQuery('move_to=%2Fb&overwrite'), { kind: 'move', to: 'b', overwrite: true });
  assert.deepEqual(parsePostQuery('overwrite=false&move_to=b/'), { kind: 'move', to: 'b', overwrite: false });
  assert.deepEqual(parsePostQuery('mkdir&sig=x'), { kind: 'mkdir' });
  assert.deepEqual(parsePostQuery('restore_revision=4'), { kind: 'restore', seq: 4 });
});

test('a target is a path from the root on, with or without a slash before it', () => {
  fc.assert(
    fc.property(paths, fc.boolean(), (path, hasSlash) => {
      const text = new URLSearchParams({ copy_to: (hasSlash ? '/' : '') + path }).toString();
      assert.deepEqual(parsePostQuery(text), { kind: 'copy', to: path, overwrite: false });
      assert.deepEqual(parseMove({ move_to: (hasSlash ? '/' : '') + path }, FILE), {
        ...{ to: path, overwrite: false },
      });
    }),
  );
});

test('a POST does exactly one thing', () => {
  for (const text of ['', 'mkdir=false', 'overwrite', 'sig=1'])
    assert.throws(() => parsePostQuery(text), {
      code: 'BAD_REQUEST',
      message: /"copy_to".*"restore_revision"/,
    });
  const all = ['copy_to=b', 'move_to=b', 'mkdir', 'restore_revision=1'];
  for (const one of all)
    for (const other of all.filter((each) => each !== one))
      assert.throws(
        () => parsePostQuery(`${one}&${other}`),
        ({ code, message }: Error & { code: string }) =>
          code === 'BAD_REQUEST' && [one, other].every((each) => message.includes(`"${each.split('=')[0]}"`)),
      );
  for (const text of ['mkdir&overwrite', 'restore_revision=1&overwrite=true'])
    assert.throws(() => parsePostQuery(text), { code: 'BAD_REQUEST', field: 'overwrite' });
});

test('nothing is copied or moved to the root, out of it, or to what is the server’s own', () => {
  for (const to of [
    '',
    '/',
    '..',
    '../a',
    'a/../../b',
    '//a',
    'a//b',
    './a',
    `${STATE_FOLDER}/x`,
    'a\\b',
    'a%00',
  ]) {
    assert.throws(() => parsePostQuery(`copy_to=${to}`), { code: 'BAD_REQUEST' }, to);
    assert.throws(() => parseMove({ move_to: decodeURIComponent(to) }, FILE), { code: 'BAD_REQUEST' }, to);
  }
});

test('a revision to restore is one that can be', () => {
  for (const value of ['', '0', '-1', '1.5', 'x'])
    assert.throws(() => parsePostQuery(`restore_revision=${value}`), {
      ...{ code: 'BAD_REQUEST', field: 'restore_revision' },
    });
});

test('an operation that is mistyped is refused with the one that was meant', () => {
  assert.throws(() => parsePostQuery('copyto=a'), { code: 'BAD_REQUEST', message: /did you mean "copy_to"/ });
  assert.throws(() => parsePostQuery('mkdri'), { message: /did you mean "mkdir"/ });
});

test('a body goes to the end of a file, or to a place in it', () => {
  assert.deepEqual(parseUpdateRange('append'), { kind: 'append' });
  assert.deepEqual(parseUpdateRange('Append'), { kind: 'append' });
  assert.deepEqual(parseUpdateRange('bytes=100-'), { kind: 'bytes', first: 100, last: undefined });
  fc.assert(
    fc.property(
      fc.tuple(fc.nat({ max: Number.MAX_SAFE_INTEGER }), fc.nat({ max: Number.MAX_SAFE_INTEGER })),
      (ends) => {
        const [first, last] = [Math.min(...ends), Math.max(...ends)];
        assert.deepEqual(parseUpdateRange(`bytes=${first}-${last}`), { kind: 'bytes', first, last });
      },
    ),
  );
});

test('whatever stands in X-Update-Range is a place in a file, or refused', () => {
  const field = fc.oneof(
    fc.string(),
    fc
      .string({ unit: fc.constantFrom('0', '9', '-', ',', ' ', '/'), maxLength: 20 })
      .map((rest) => `bytes=${rest}`),
  );
  fc.assert(
    fc.property(field, (text) => {
      try {
        const range = parseUpdateRange(text);
        if (range.kind === 'append') return;
        assert.ok(Number.isSafeInteger(range.first) && range.first <= (range.last ?? range.first));
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'BAD_REQUEST', String(error));
      }
    }),
    { numRuns: 1000 },
  );
  const wrong = [
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=-5',
    'bytes=5-4',
    'bytes=0-1/2',
    'bytes=0-1,3-4',
    '0-1',
  ];
  for (const text of [...wrong, ' append', 'append,append', 'bytes 0-1', 'bytes=0-9007199254740992'])
    assert.throws(() => parseUpdateRange(text), { code: 'BAD_REQUEST', field: 'x-update-range' }, text);
});

test('a new name is one in the same folder', () => {
  fc.assert(
    fc.property(segments, (name) => {
      const { to } = parseMove({ name }, FILE);
      assert.equal(to, `docs/${name}`);
      assert.equal(parentOf(to), parentOf(FILE));
    }),
  );
  assert.deepEqual(parseMove({ name: 'b', overwrite: true }, parseFilePath('a')), {
    to: 'b',
    overwrite: true,
  });
  for (const name of ['', '.', '..', '/', 'b/', '/b', 'b/c', 'b\\c', 'b\n', 'x'.repeat(256)])
    assert.throws(() => parseMove({ name }, FILE), { code: 'BAD_REQUEST' }, name);
  assert.throws(() => parseMove({ name: STATE_FOLDER }, parseFilePath('a')), { code: 'BAD_REQUEST' });
});

test('a body that does not say where to is refused with what is wrong', () => {
  for (const body of [
    undefined,
    null,
    [],
    'name',
    5,
    {},
    { name: 5 },
    { move_to: null },
    { overwrite: true },
  ])
    assert.throws(() => parseMove(body, FILE), { code: 'BAD_REQUEST' }, JSON.stringify(body));
  assert.throws(() => parseMove({ name: 'b', move_to: 'c' }, FILE), { message: /"name" and "move_to"/ });
  assert.throws(() => parseMove({ name: 'b', move_to: 5 }, FILE), { code: 'BAD_REQUEST' });
  assert.throws(() => parseMove({ name: 'b', overwrite: 'yes' }, FILE), { field: 'overwrite' });
  assert.throws(() => parseMove({ nmae: 'b' }, FILE), { field: 'nmae', message: /did you mean "name"/ });
  assert.throws(() => parseMove({ name: 'b' }, ROOT), { code: 'BAD_REQUEST', field: 'path' });
});

test('whatever a body is, it says where to, or is a bad request', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.jsonValue(), fc.record({ name: fc.string() }), fc.record({ move_to: fc.string() })),
      (body) => {
        try {
          const { to } = parseMove(body, FILE);
          assert.equal(parseFilePath(to), to);
          assert.notEqual(to, ROOT);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'BAD_REQUEST', String(error));
        }
      },
    ),
    { numRuns: 1000 },
  );
});
