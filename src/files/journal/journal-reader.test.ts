import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { readEntries } from './journal-reader.ts';
import { encodeLine, MAX_LINE_BYTES } from './line.ts';

function lineOf(id: number, reason = ''): string {
  return encodeLine({ id, seq: 1, ts: 1, op: 'gap', path: '', reason });
}

async function readAll(path: string, from = 0) {
  const read: { id: number; offset: number; line: string }[] = [];
  let [skipped, end] = [0, from];
  for await (const { entries, skippedLines, nextOffset } of readEntries(path, from)) {
    for (const { entry, offset, line } of entries) read.push({ id: entry.id, offset, line });
    skipped += skippedLines;
    assert.ok(nextOffset > end);
    end = nextOffset;
  }
  return { ids: read.map(({ id }) => id), read, skipped, end };
}

async function fileOf(folder: string, text: string | Buffer): Promise<string> {
  const path = join(folder, 'day.jsonl');
  await writeFile(path, text);
  return path;
}

test('entries come in order with their places, and reading goes on where it ended', async () => {
  await using folder = await openTempFolder();
  const lines = Array.from({ length: 5000 }, (_, i) => lineOf(i + 1, 'ä'.repeat(i % 300)));
  const path = await fileOf(folder.path, lines.join(''));
  const { read, ids, skipped, end } = await readAll(path);
  assert.deepEqual(
    ids,
    lines.map((_, i) => i + 1),
  );
  assert.equal(skipped, 0);
  assert.equal(end, Buffer.byteLength(lines.join('')));
  for (const at of [0, 1, 2500, 4999]) {
    assert.equal(`${read[at]?.line}\n`, lines[at]);
    assert.equal((await readAll(path, read[at]?.offset)).ids[0], at + 1);
  }
  assert.deepEqual((await readAll(path, end)).read, []);
});

test('bad lines are skipped and counted, wherever they are, and empty ones are not', async () => {
  await using folder = await openTempFolder();
  const bad = fc.constantFrom('x', '00000000 {}', lineOf(9).slice(0, -5), 'y'.repeat(70_000), '\0\0\0');
  const pieces = fc.array(fc.oneof(fc.constant('entry'), fc.constant(''), bad), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(pieces, async (kinds) => {
      const lines = kinds.map((kind, i) => (kind === 'entry' ? lineOf(i + 1) : `${kind}\n`));
      const path = await fileOf(folder.path, lines.join(''));
      const { ids, skipped, end } = await readAll(path);
      assert.deepEqual(
        ids,
        kinds.flatMap((kind, i) => (kind === 'entry' ? i + 1 : [])),
      );
      assert.equal(skipped, kinds.filter((kind) => kind !== 'entry' && kind !== '').length);
      assert.equal(end, Buffer.byteLength(lines.join('')));
    }),
    { numRuns: 50 },
  );
});

test('a line longer than any entry is skipped as one, and not held in memory', async () => {
  await using folder = await openTempFolder();
  const long = Buffer.alloc(20 * MAX_LINE_BYTES, 'a');
  const lines = [Buffer.from(lineOf(1)), long, Buffer.from(`\n${lineOf(2)}`)];
  const { ids, skipped } = await readAll(await fileOf(folder.path, Buffer.concat(lines)));
  assert.deepEqual([ids, skipped], [[1, 2], 1]);
});

test('a last line without its newline is taken where it is whole, and skipped where it is not', async () => {
  await using folder = await openTempFolder();
  const text = lineOf(1) + lineOf(2);
  const whole = await readAll(await fileOf(folder.path, text.slice(0, -1)));
  assert.deepEqual([whole.ids, whole.skipped, whole.end], [[1, 2], 0, text.length - 1]);
  const torn = await readAll(await fileOf(folder.path, text.slice(0, -2)));
  assert.deepEqual([torn.ids, torn.skipped, torn.end], [[1], 1, text.length - 2]);
  const mended = await fileOf(folder.path, `${text.slice(0, -2)}\n${lineOf(3)}`);
  assert.deepEqual((await readAll(mended)).ids, [1, 3]);
  assert.deepEqual((await readAll(mended, torn.end)).skipped, 0, 'it was counted');
});
