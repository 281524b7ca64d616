import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestOf } from '../../base/digest.ts';
import { JOURNAL_OPS, type JournalEntry } from './journal-entry.ts';
import { checkedEntry, encodeLine, isThere, MAX_LINE_BYTES, parseLine } from './line.ts';

const contents = fc.record(
  { sha256: fc.string().map(digestOf), sizeBytes: fc.maxSafeNat() },
  { noNullPrototype: true },
);
const segments = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((name) => !/[/\\\p{Cc}\ufffd]|^\.+$|^\.velocity/iu.test(name) && name.isWellFormed());
const paths = fc.array(segments, { maxLength: 4 }).map((names) => names.join('/'));
const texts = fc.string({ unit: 'binary', maxLength: 100 });
const entries = fc
  .record(
    {
      id: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      seq: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      ts: fc.nat(Date.UTC(9999, 11, 31)),
      op: fc.constantFrom(...JOURNAL_OPS),
      path: paths,
      before: contents,
      after: contents,
      other: paths,
      by: texts,
      reason: texts,
      temp: texts,
    },
    { requiredKeys: ['id', 'seq', 'ts', 'op', 'path'], noNullPrototype: true },
  )
  .map((entry) => entry as unknown as JournalEntry);

const ENTRY = { id: 7, seq: 2, ts: 1_767_225_600_000, op: 'write', path: 'a/b' };

function lineOf(entry: object): Buffer {
  return Buffer.from(encodeLine(entry).slice(0, -1));
}

test('an entry reads back as it was written, and is one line', () => {
  fc.assert(
    fc.property(entries, (entry) => {
      assert.deepEqual(parseLine(lineOf(entry)), entry);
      assert.equal(encodeLine(entry).indexOf('\n'), encodeLine(entry).length - 1);
    }),
  );
});

test('with any one byte another the line is no entry', () => {
  fc.assert(
    fc.property(entries, fc.nat(), fc.integer({ min: 1, max: 255 }), (entry, at, by) => {
      const line = lineOf(entry);
      line[at % line.length] = (line[at % line.length] ?? 0) ^ by;
      assert.equal(parseLine(line), undefined, line.toString());
    }),
  );
});

test('a line that is cut off anywhere is no entry', () => {
  const line = lineOf(ENTRY);
  for (let length = 0; length < line.length; length++)
    assert.equal(parseLine(line.subarray(0, length)), undefined);
});

test('no bytes make it throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => !parseLine(Buffer.from(bytes))));
  fc.assert(fc.property(fc.jsonValue(), (value) => !parseLine(lineOf({ value }))));
  for (const value of [null, 1, 'text', []]) assert.equal(checkedEntry(value), undefined);
});

for (const [what, field] of Object.entries({
  'an id of nothing': { id: 0 },
  'an id that is no number': { id: '7' },
  'a revision below 1': { seq: 0 },
  'a revision between two': { seq: 1.5 },
  'a time before the epoch': { ts: -1 },
  'a time that is on no day': { ts: Number.MAX_SAFE_INTEGER },
  'an operation that does not exist': { op: 'rename' },
  'a path that leads out': { path: '../a' },
  'a path that is a number': { path: 1 },
  'a path of the server’s own': { path: '.velocity/index' },
  'a path with a slash at its end': { path: 'a/' },
  'another path that leads out': { other: '/a' },
  'content without a size': { after: { sha256: digestOf('') } },
  'content without a digest': { before: { sha256: 'abc', sizeBytes: 1 } },
  'content of less than nothing': { before: { sha256: digestOf(''), sizeBytes: -1 } },
  'content that is null': { after: null },
  'a reason that is a number': { reason: 1 },
  'more text than a line has room for': { reason: 'a'.repeat(3000) },
}))
  test(`an entry with ${what} is none, whole though its line is`, () => {
    assert.deepEqual(parseLine(lineOf(ENTRY)), ENTRY);
    assert.equal(parseLine(lineOf({ ...ENTRY, ...field })), undefined);
  });

test('fields of no meaning are left out', () => {
  assert.deepEqual(parseLine(lineOf({ ...ENTRY, colour: 'red' })), ENTRY);
});

test('the longest entry there can be is no longer than a line may be', () => {
  const path = Array.from({ length: 12 }, () => '"'.repeat(255)).join('/');
  const text = '\u0001'.repeat(2048);
  const entry = checkedEntry({ ...ENTRY, path, other: path, by: text, reason: text, temp: text });
  assert.ok(entry);
  assert.ok(lineOf(entry).length < MAX_LINE_BYTES, `${lineOf(entry).length}`);
});

test('something is at a path whose entry tells its content or makes a folder', () => {
  const entry = checkedEntry(ENTRY);
  assert.ok(entry);
  assert.equal(isThere({ ...entry, after: { sha256: digestOf(''), sizeBytes: 0 } }), true);
  for (const op of ['mkdir', 'dir_moved_to'] as const) assert.equal(isThere({ ...entry, op }), true);
  for (const op of ['delete', 'moved_from', 'dir_deleted', 'gap'] as const)
    assert.equal(isThere({ ...entry, op }), false);
});
