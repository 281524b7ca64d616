import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { StubStore } from '../../../../test/rig/stub-store.ts';
import { openTempFolder } from '../../../../test/rig/temp-folder.ts';
import type { VelocityError } from '../../../base/errors.ts';
import { type FilePath, isWithin, parseFilePath } from '../../../files/file-path.ts';
import { openLogger } from '../../../telemetry/logger.ts';
import { type MountTerms, parseMountPath, parseMountPrefix } from './mount.ts';
import { type ConfiguredMount, MountTable } from './mount-table.ts';

const BUCKETS = new Map(
  ['media', 'other'].map((id) => [id, { id, store: new StubStore(), immutable: false }] as const),
);

function terms(path: string, store = 'media', prefix = ''): MountTerms {
  return { path: parseMountPath(path), store, prefix: parseMountPrefix(prefix), label: undefined };
}

function configured(name: string, path: string, store = 'media', prefix = ''): ConfiguredMount {
  return { name, ...terms(path, store, prefix) };
}

async function open(
  stateFolder: string,
  given: readonly ConfiguredMount[] = [],
  buckets = BUCKETS,
  clock = new ManualClock(),
): Promise<{ readonly table: MountTable; readonly logged: string[] }> {
  const logged: string[] = [];
  const logger = openLogger('warn', { write: (line) => void logged.push(line) });
  return { table: await MountTable.open({ configured: given, buckets, stateFolder, logger, clock }), logged };
}

function keyAt(table: MountTable, path: string): string | undefined {
  const at = table.mountAt(parseFilePath(path));
  return at && `${at.mount.store}: ${at.key ?? '-'}`;
}

test('a path lies on the mount with the longest path above it, under its prefix', async () => {
  await using folder = await openTempFolder();
  const { table } = await open(folder.path, [
    configured('outer', 'a', 'media', 'pre/fix/'),
    configured('inner', 'a/b', 'other'),
  ]);
  assert.equal(keyAt(table, 'a'), 'media: -');
  assert.equal(keyAt(table, 'a/x/y'), 'media: pre/fix/x/y');
  assert.equal(keyAt(table, 'a/b'), 'other: -');
  assert.equal(keyAt(table, 'a/b/c'), 'other: c');
  for (const path of ['', 'ab', 'b', 'x/a']) assert.equal(keyAt(table, path), undefined, path);
});

test('whatever mounts there are, a path lies on the longest that holds it', async () => {
  await using folder = await openTempFolder();
  const path = fc
    .array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 4 })
    .map((s) => s.join('/'));
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(path, { maxLength: 6 }), path, async (paths, asked) => {
      const { table } = await open(
        folder.path,
        paths.map((each, index) => configured(`m${index}`, each)),
      );
      const longest = paths
        .filter((each) => isWithin(asked as FilePath, each as FilePath))
        .sort((a, b) => b.length - a.length)[0];
      const at = table.mountAt(asked as FilePath);
      assert.equal(at?.mount.path, longest);
      if (at) assert.equal([at.mount.path, at.key].filter((part) => part !== undefined).join('/'), asked);
    }),
    { numRuns: 200 },
  );
});

test('a mount and the folders on the way to it are seen in the folders above', async () => {
  await using folder = await openTempFolder();
  const { table } = await open(folder.path, [
    configured('deep', 'a/b/c'),
    configured('near', 'a/x'),
    configured('outer', 'a'),
  ]);
  const below = (path: string) => table.mountsBelow(parseFilePath(path)).map(({ name }) => name);
  assert.deepEqual(below(''), ['a']);
  assert.deepEqual(below('a').sort(), ['b', 'x']);
  assert.deepEqual(below('a/b'), ['c']);
  for (const path of ['a/b/c', 'a/bb', 'b']) assert.deepEqual(below(path), [], path);
});

test('what was made is there after a restart, under the same id, and what was taken away is not', async () => {
  await using folder = await openTempFolder();
  const clock = new ManualClock(Date.UTC(2026, 1, 3));
  const { table } = await open(folder.path, [], BUCKETS, clock);
  const kept = await table.add({ ...terms('a/b', 'media', 'p'), label: 'mine' });
  const gone = await table.add(terms('c'));
  await table.change(kept.id, { store: 'other' });
  await table.remove(gone.id);
  const again = await open(folder.path);
  assert.deepEqual(again.table.all(), [{ ...kept, store: 'other', bucket: BUCKETS.get('other') }]);
  assert.equal(again.table.get(kept.id)?.madeAt, clock.now());
  assert.deepEqual(await readdir(folder.path), ['mounts.json']);
});

test('changes at once come one after the other, and none is lost', async () => {
  await using folder = await openTempFolder();
  const { table } = await open(folder.path);
  const paths = Array.from({ length: 20 }, (_, n) => `m/${n}`);
  await Promise.all(paths.map((path) => table.add(terms(path))));
  const clash = await Promise.allSettled([table.add(terms('x')), table.add(terms('x'))]);
  assert.deepEqual(clash.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  const { table: again } = await open(folder.path);
  assert.deepEqual(
    again
      .all()
      .map(({ path }) => path)
      .sort(),
    [...paths, 'x'].sort(),
  );
});

test('two mounts have no one path, neither made nor moved there', async () => {
  await using folder = await openTempFolder();
  const { table } = await open(folder.path, [configured('fixed', 'a')]);
  await assert.rejects(table.add(terms('a', 'other')), { code: 'PATH_CONFLICT' });
  const { id } = await table.add(terms('b'));
  await assert.rejects(table.change(id, { path: parseFilePath('a') }), { code: 'PATH_CONFLICT' });
  assert.equal((await table.change(id, { path: parseFilePath('b') })).path, 'b', 'its own is its own');
});

test('a store that there is not is refused, with those there are', async () => {
  await using folder = await openTempFolder();
  const { table } = await open(folder.path);
  const said = (error: VelocityError) =>
    error.code === 'BAD_REQUEST' &&
    error.field === 'store' &&
    /did you mean "media".*media, other/.test(error.message);
  await assert.rejects(table.add(terms('a', 'medai')), said);
  const { table: without } = await open(folder.path, [], new Map());
  await assert.rejects(without.add(terms('a')), /none is configured/);
});

test('what the configuration says is not changed', async () => {
  await using folder = await openTempFolder();
  const { table } = await open(folder.path, [configured('fixed', 'a')]);
  await assert.rejects(table.change('fixed', { store: 'other' }), { code: 'PATH_CONFLICT' });
  await assert.rejects(table.remove('fixed'), /configuration/);
  await assert.rejects(table.remove('none'), { code: 'NOT_FOUND' });
  assert.deepEqual(await readdir(folder.path), []);
});

test('a mount whose path the configuration takes is kept, out of effect, until it does no more', async () => {
  await using folder = await openTempFolder();
  const { id } = await (await open(folder.path)).table.add(terms('a'));
  const { table, logged } = await open(folder.path, [configured('fixed', 'a', 'other')]);
  assert.equal(keyAt(table, 'a/x'), 'other: x');
  assert.equal(table.get(id), undefined);
  assert.match(logged.join(), /not in effect/);
  await table.add(terms('b'));
  assert.equal((await open(folder.path)).table.get(id)?.path, 'a');
});

test('a mount stays where its store is configured no more: nothing else is at its path', async () => {
  await using folder = await openTempFolder();
  await (await open(folder.path)).table.add(terms('a', 'other'));
  const { table, logged } = await open(folder.path, [], new Map([...BUCKETS].slice(0, 1)));
  assert.equal(table.mountAt(parseFilePath('a/x'))?.mount.bucket, undefined);
  assert.match(logged.join(), /no store/);
});

test('a file of mounts that is torn or another’s is told of, and not taken for none', async () => {
  await using folder = await openTempFolder();
  const file = join(folder.path, 'mounts.json');
  await (await open(folder.path)).table.add(terms('a'));
  const good = await readFile(file, 'utf8');
  const bad = [
    good.slice(0, -10),
    '',
    '[]',
    good.replace('"version": 1', '"version": 2'),
    good.replace('"path": "a"', '"path": "../a"'),
    good.replace('"prefix": ""', '"prefix": "//"'),
  ];
  for (const text of bad) {
    await writeFile(file, text);
    await assert.rejects(open(folder.path), { code: 'STORAGE_FAILED' }, text);
  }
});

test('what cannot be written down is not in effect', async () => {
  await using folder = await openTempFolder();
  const { table } = await open(join(folder.path, 'missing'));
  await assert.rejects(table.add(terms('a')), { code: 'STORAGE_UNAVAILABLE' });
  assert.deepEqual(table.all(), []);
});

test('the root is no mount, and a prefix is what a key can begin with', () => {
  assert.throws(() => parseMountPath('/'), { code: 'BAD_REQUEST', field: 'path' });
  assert.equal(parseMountPath('/a/b/'), 'a/b');
  assert.equal(parseMountPrefix('a/b'), 'a/b/');
  assert.equal(parseMountPrefix(''), '');
  for (const prefix of ['/', '/a', 'a//', 'a/../b', 'a\\b'])
    assert.throws(() => parseMountPrefix(prefix), { code: 'BAD_REQUEST', field: 'prefix' }, prefix);
});

test('what is too long for a key is refused as one', async () => {
  await using folder = await openTempFolder();
  const { table } = await open(folder.path, [configured('a', 'a')]);
  const long = Array.from({ length: 6 }, () => 'x'.repeat(200)).join('/');
  assert.throws(() => table.mountAt(parseFilePath(`a/${long}`)), { code: 'INVALID_KEY' });
});
