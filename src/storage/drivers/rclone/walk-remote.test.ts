import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ListedObject, ListOptions } from '../../store.ts';
import type { RemoteRow } from './remote-row.ts';
import { type ListFolder, walkRemote } from './walk-remote.ts';

const MODIFIED = '2026-01-02T03:04:05.000000006Z';

/** The folders that these paths make, and which of them were listed. */
function remote(paths: readonly string[]): { listFolder: ListFolder; listed: string[] } {
  const listed: string[] = [];
  const listFolder: ListFolder = async (folder) => {
    listed.push(folder);
    const below = paths.filter((path) => folder === '' || path.startsWith(`${folder}/`));
    const rows = new Map<string, RemoteRow>();
    for (const path of below) {
      const [name = '', ...rest] = path.slice(folder === '' ? 0 : folder.length + 1).split('/');
      const isFolder = rest.length > 0;
      rows.set(`${name}${isFolder ? '/' : ''}`, {
        Name: name,
        Size: isFolder ? -1 : path.length,
        ModTime: MODIFIED,
        IsDir: isFolder,
      });
    }
    return [...rows.values()].reverse();
  };
  return { listFolder, listed };
}

async function rows(listFolder: ListFolder, options: ListOptions): Promise<ListedObject[]> {
  const found: ListedObject[] = [];
  for await (const row of walkRemote(listFolder, options)) found.push(row);
  return found;
}

async function keys(paths: readonly string[], prefix = '', after?: string): Promise<string[]> {
  return (await rows(remote(paths).listFolder, { prefix, after })).map(({ key }) => key);
}

test('objects come in the byte order of their keys, where folders stand between files', async () => {
  const paths = ['b', 'a/c', 'a.', 'a', 'a0', 'a/b/c', 'é', 'z', '\u{1f680}', '\uffee'];
  assert.deepEqual(await keys(paths), [
    'a',
    'a.',
    'a/b/c',
    'a/c',
    'a0',
    'b',
    'z',
    'é',
    '\uffee',
    '\u{1f680}',
  ]);
});

test('only folders that can hold what is asked for are listed', async () => {
  const { listFolder, listed } = remote(['a/b/1', 'a/c/1', 'b/1', 'a/b/d/1']);
  const found = await rows(listFolder, { prefix: 'a/b/', after: 'a/b/1' });
  assert.deepEqual(
    found.map(({ key }) => String(key)),
    ['a/b/d/1'],
  );
  assert.deepEqual(listed, ['a/b', 'a/b/d']);
  const strange = remote(['a']);
  assert.deepEqual(await rows(strange.listFolder, { prefix: '../a/' }), []);
  assert.deepEqual(strange.listed, []);
});

test('a row has its length and time; what has no length, or a name that is no key, is left out', async () => {
  const row = { ModTime: MODIFIED, IsDir: false };
  const listFolder: ListFolder = async () => [
    { ...row, Name: 'document', Size: -1 },
    { ...row, Name: 'a\\b', Size: 1 },
    { ...row, Name: '..', Size: -1, IsDir: true },
    { ...row, Name: 'file', Size: 5 },
  ];
  const found = await rows(listFolder, { prefix: '' });
  assert.deepEqual(found, [{ key: 'file', sizeBytes: 5, modifiedAt: Date.parse('2026-01-02T03:04:05Z') }]);
});

test('whatever the names, prefix and start, the listing is that of the sorted keys', async () => {
  const segment = fc.string({
    unit: fc.constantFrom('a', 'b', '.x', '-', 'é', '0'),
    minLength: 1,
    maxLength: 2,
  });
  const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
  const texts = fc.oneof(path, fc.constant(''));
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(path, { maxLength: 12 }), texts, texts, async (paths, prefix, after) => {
      const bytes = (text: string): Buffer => Buffer.from(text);
      const expected = paths
        .filter((each) => each.startsWith(prefix) && Buffer.compare(bytes(each), bytes(after)) > 0)
        .sort((a, b) => Buffer.compare(bytes(a), bytes(b)));
      assert.deepEqual(await keys(paths, prefix, after), expected);
    }),
  );
});
