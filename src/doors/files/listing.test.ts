import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseFilePath, ROOT } from '../../files/file-path.ts';
import { gatherListing, type ListedEntry, listingJson } from './listing.ts';

function entry(name: string, type: ListedEntry['type'] = 'file'): ListedEntry {
  return { name, type, modifiedAt: 0, ...(type === 'file' ? { sizeBytes: 5 } : {}) };
}

test('folders come first, then names in the order of code points', async () => {
  const names = fc.uniqueArray(fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }));
  await fc.assert(
    fc.asyncProperty(names, names, async (files, folders) => {
      const mixed = [...files.map((name) => entry(name)), ...folders.map((name) => entry(name, 'folder'))];
      const { entries } = await gatherListing(
        ROOT,
        mixed.toSorted((a, b) => a.name.length - b.name.length),
      );
      const byBytes = (list: string[]): string[] =>
        list.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.deepEqual(
        entries.map(({ name, type }) => [type, name]),
        [
          ...byBytes(folders).map((name) => ['folder', name]),
          ...byBytes(files).map((name) => ['file', name]),
        ],
      );
    }),
  );
});

test('no more is held of a folder than a listing has, and it says that there is more', async () => {
  let looked = 0;
  const endless = (function* () {
    for (;;) yield entry(`f${looked++}`);
  })();
  const { entries, more } = await gatherListing(ROOT, endless, 3);
  assert.deepEqual([entries.length, more, looked], [3, true, 4]);
  const all = await gatherListing(ROOT, [entry('a'), entry('b')], 2);
  assert.deepEqual([all.entries.length, all.more], [2, false]);
});

test('the JSON of a listing says name, type, size and time of each', async () => {
  const path = parseFilePath('a/b');
  const entries: ListedEntry[] = [
    { name: 'f"<', type: 'file', sizeBytes: 7, modifiedAt: Date.parse('2030-01-31T12:00:00.5Z') },
    { name: 'd', type: 'folder', modifiedAt: 8.64e15 },
    { name: 'l', type: 'link', modifiedAt: -1 },
  ];
  const body = JSON.parse(await text(listingJson(await gatherListing(path, entries))));
  assert.deepEqual(body, {
    path: 'a/b',
    entries: [
      { name: 'd', type: 'folder', modified: '9999-12-31T23:59:59.999Z' },
      { name: 'f"<', type: 'file', size: 7, modified: '2030-01-31T12:00:00.500Z' },
      { name: 'l', type: 'link', modified: '1969-12-31T23:59:59.999Z' },
    ],
  });
});

test('a listing of any length is one JSON document', async () => {
  for (const length of [0, 1, 499, 500, 501, 1000, 1001]) {
    const many = Array.from({ length }, (_, index) => entry(`f${index}`));
    const { entries, more } = JSON.parse(await text(listingJson(await gatherListing(ROOT, many, 1000))));
    assert.equal(entries.length, Math.min(length, 1000));
    assert.equal(more, length > 1000 ? true : undefined);
  }
});
