import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { cp } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { entryPath, holds, load, openDiskTier, store } from '../../../test/rig/opened-disk-tier.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { thisHost } from '../../base/process-identity.ts';
import { EVICTIONS, openEviction } from '../eviction/open-eviction.ts';
import { OWN_LAYOUT } from './entry-layout.ts';

const DEAD_PID = spawnSync(process.execPath, ['--version']).pid;
let temps = 0;

function put(path: string, bytes: string | Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

/** A file that a process was writing when it died. */
function leaveTemp(folder: string, bytes: string | Buffer): void {
  put(join(folder, 'cache-v1-tmp', `${thisHost()}.${DEAD_PID}.aabbccddeeff.${temps++}`), bytes);
}

/** The two files of an entry of a tier that was closed. */
async function filesOf(key: string, body: string, type: string): Promise<{ bin: Buffer; json: Buffer }> {
  await using folder = await openTempFolder();
  const { tier } = await openDiskTier(folder.path);
  await store(tier, key, body, type);
  await tier.close();
  const [bin, json] = (['bin', 'json'] as const).map((kind) =>
    readFileSync(entryPath(folder.path, key, kind)),
  );
  assert.ok(bin && json);
  return { bin, json };
}

/** What is below the folder, but for folders. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((dirent) => !dirent.isDirectory())
    .map(({ name }) => name);
}

describe('a start of a disk tier', () => {
  test('finds what was stored, with metadata, time and size', async () => {
    await using folder = await openTempFolder();
    const clock = new ManualClock();
    const first = await openDiskTier(folder.path, { clock });
    await store(first.tier, 'key', 'body', 'image/png');
    await store(first.tier, 'empty', '');
    const { bytes } = first.tier;
    await first.tier.close();
    const storedAt = clock.now();
    clock.advance(1000);
    await using second = await openDiskTier(folder.path, { clock });
    assert.deepEqual([second.tier.bytes, second.tier.size], [bytes, 2]);
    const reading = await second.tier.read('key');
    assert.deepEqual([reading?.meta, reading?.storedAt], [{ type: 'image/png' }, storedAt]);
    assert.equal(String(await reading?.bytes()), 'body');
    assert.equal(String(await load(second.tier, 'empty')), '');
    assert.deepEqual(second.troubles, []);
  });

  test('the least recently used before it go first after it', async () => {
    await using folder = await openTempFolder();
    const clock = new ManualClock();
    const first = await openDiskTier(folder.path, { clock });
    for (const key of ['a', 'b', 'c', 'd']) {
      await store(first.tier, key, key);
      clock.advance(1000);
    }
    await load(first.tier, 'b');
    clock.advance(1000);
    await load(first.tier, 'a');
    await first.tier.close();
    await using second = await openDiskTier(folder.path, { clock, maxEntries: 4 });
    const order: string[] = [];
    for (const fresh of ['1', '2', '3', '4']) {
      const before = ['a', 'b', 'c', 'd'].filter((key) => holds(second.tier, key));
      await store(second.tier, fresh, fresh);
      order.push(...before.filter((key) => !holds(second.tier, key)));
    }
    assert.deepEqual(order, ['c', 'd', 'b', 'a']);
  });

  for (const name of EVICTIONS.filter((each) => each === 'lfu' || each === 's3-fifo'))
    test(`${name} knows after it what was used often`, async () => {
      await using folder = await openTempFolder();
      const clock = new ManualClock();
      const first = await openDiskTier(folder.path, { clock, eviction: openEviction(name) });
      for (const key of ['often', ...'abcdefghi']) {
        await store(first.tier, key, key);
        if (key === 'often') for (let use = 0; use < 20; use++) await load(first.tier, key);
        clock.advance(1000);
      }
      await first.tier.close();
      await using second = await openDiskTier(folder.path, {
        clock,
        eviction: openEviction(name),
        maxEntries: 10,
      });
      for (let i = 0; i < 15; i++) await store(second.tier, `scan ${i}`, 'x');
      assert.ok(holds(second.tier, 'often'));
    });

  test('evicts down to limits that were lowered, and what is too old', async () => {
    await using folder = await openTempFolder();
    const clock = new ManualClock();
    const first = await openDiskTier(folder.path, { clock });
    for (const key of ['a', 'b', 'c', 'd']) {
      await store(first.tier, key, 'x'.repeat(1000));
      clock.advance(1000);
    }
    const aThird = Math.ceil(first.tier.bytes / 4);
    await first.tier.close();
    const limits = { clock, maxAgeMs: 4000, maxBytes: aThird * 2 };
    await using second = await openDiskTier(folder.path, limits);
    assert.deepEqual(second.evicted, ['age', 'bytes']);
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].filter((key) => holds(second.tier, key)),
      ['c', 'd'],
    );
    assert.ok(second.tier.bytes <= limits.maxBytes);
  });

  test('what was stored or used by a clock that was ahead counts from now', async () => {
    await using folder = await openTempFolder();
    const ahead = new ManualClock(Date.UTC(2100));
    const first = await openDiskTier(folder.path, { clock: ahead });
    await store(first.tier, 'key', 'x');
    await first.tier.close();
    const clock = new ManualClock();
    await using second = await openDiskTier(folder.path, { clock, maxAgeMs: 1000 });
    assert.ok(holds(second.tier, 'key'));
    clock.advance(1000);
    assert.equal(holds(second.tier, 'key'), false);
  });

  describe('after a kill at any point of a writing', () => {
    interface State {
      readonly at: string;
      /** What is in place and what is not yet. */
      readonly bin?: Buffer;
      readonly json?: Buffer;
      readonly temps: readonly (Buffer | string)[];
      readonly held: string | undefined;
      readonly troubles: readonly string[];
    }

    test('holds the old entry, the new one, or none, and counts and removes the rest', async () => {
      const old = await filesOf('key', 'the old body', 'old');
      const fresh = await filesOf('key', 'the new body', 'new');
      const states: State[] = [
        { at: 'nothing written', temps: [''], held: undefined, troubles: ['left-over'] },
        { at: 'body begun', temps: ['the n'], held: undefined, troubles: ['left-over'] },
        {
          at: 'record begun',
          temps: [fresh.bin, '{"las'],
          held: undefined,
          troubles: ['left-over', 'left-over'],
        },
        {
          at: 'body placed',
          bin: fresh.bin,
          temps: [fresh.json],
          held: undefined,
          troubles: ['left-over', 'orphan'],
        },
        { at: 'record placed', ...fresh, temps: [], held: 'the new body new', troubles: [] },
        {
          at: 'replacing, written',
          ...old,
          temps: [fresh.bin, fresh.json],
          held: 'the old body old',
          troubles: ['left-over', 'left-over'],
        },
        {
          at: 'replacing, old record gone',
          bin: old.bin,
          temps: [fresh.bin, fresh.json],
          held: undefined,
          troubles: ['left-over', 'left-over', 'orphan'],
        },
        {
          at: 'replacing, body placed',
          bin: fresh.bin,
          temps: [fresh.json],
          held: undefined,
          troubles: ['left-over', 'orphan'],
        },
        { at: 'removing, record gone', bin: old.bin, temps: [], held: undefined, troubles: ['orphan'] },
      ];
      for (const { at, bin, json, temps, held, troubles } of states) {
        await using folder = await openTempFolder();
        if (bin) put(entryPath(folder.path, 'key', 'bin'), bin);
        if (json) put(entryPath(folder.path, 'key', 'json'), json);
        for (const bytes of temps) leaveTemp(folder.path, bytes);
        const opened = await openDiskTier(folder.path);
        assert.deepEqual(opened.troubles, troubles, at);
        const reading = await opened.tier.read('key');
        const found = reading && `${await reading.bytes()} ${reading.meta.type}`;
        assert.equal(found, held, at);
        assert.ok(await store(opened.tier, 'key', 'stored anew'), at);
        assert.equal(String(await load(opened.tier, 'key')), 'stored anew');
        await opened.tier.close();
        assert.equal(filesBelow(folder.path).length, 2, at);
      }
    });

    test('an old record beside a new body of its length, as after a power cut, gives out neither', async () => {
      const old = await filesOf('key', 'the old body', 'old');
      const fresh = await filesOf('key', 'the new body', 'new');
      await using folder = await openTempFolder();
      put(entryPath(folder.path, 'key', 'bin'), fresh.bin);
      put(entryPath(folder.path, 'key', 'json'), old.json);
      await using opened = await openDiskTier(folder.path);
      assert.equal(await load(opened.tier, 'key'), undefined);
      assert.deepEqual([opened.troubles, opened.tier.size], [['damaged'], 0]);
    });
  });

  describe('removes and counts what is no entry (F11)', () => {
    const ruins: Record<string, [kind: string, ruin: (bin: string, json: string) => void]> = {
      'without a record': ['orphan', (_, json) => rmSync(json)],
      'without a body': ['orphan', (bin) => rmSync(bin)],
      'with a body that was cut': ['orphan', (bin) => truncateSync(bin, 3)],
      'with an empty body': ['orphan', (bin) => truncateSync(bin, 0)],
      'with an empty record': ['corrupt-metadata', (_, json) => truncateSync(json, 0)],
      'with a record that was cut': ['corrupt-metadata', (_, json) => truncateSync(json, 100)],
      'with a record of zeros': ['corrupt-metadata', (_, json) => writeFileSync(json, Buffer.alloc(300))],
      'with garbage for a record': ['corrupt-metadata', (_, json) => writeFileSync(json, '{"key":[]}')],
      'with null for a record': ['corrupt-metadata', (_, json) => writeFileSync(json, 'null')],
      'with one letter of its metadata changed': [
        'corrupt-metadata',
        (_, json) => writeFileSync(json, readFileSync(json, 'latin1').replace('plain', 'plaim')),
      ],
      'with a folder for a body': [
        'orphan',
        (bin) => {
          rmSync(bin);
          mkdirSync(join(bin, 'with', 'something'), { recursive: true });
        },
      ],
      'with a folder for a record': [
        'orphan',
        (_, json) => {
          rmSync(json);
          mkdirSync(json);
        },
      ],
      'with a link for a body': [
        'orphan',
        (bin) => {
          rmSync(bin);
          symlinkSync('/etc/hostname', bin);
        },
      ],
    };
    for (const [what, [kind, ruin]] of Object.entries(ruins))
      test(`an entry ${what}`, async () => {
        await using folder = await openTempFolder();
        const first = await openDiskTier(folder.path);
        for (const key of ['key', 'other']) await store(first.tier, key, `of ${key}`);
        await first.tier.close();
        const [bin, json] = [entryPath(folder.path, 'key', 'bin'), entryPath(folder.path, 'key', 'json')];
        ruin(bin, json);
        await using second = await openDiskTier(folder.path);
        assert.ok(
          second.troubles.includes(kind) && new Set(second.troubles).size === 1,
          `${second.troubles}`,
        );
        assert.equal(await load(second.tier, 'key'), undefined);
        assert.equal(String(await load(second.tier, 'other')), 'of other');
        assert.ok(!existsSync(bin) && !existsSync(json));
        assert.ok(await store(second.tier, 'key', 'anew'));
        assert.ok(existsSync('/etc/hostname'), 'what a link points to is not ours');
      });

    test('an entry under another’s name', async () => {
      await using folder = await openTempFolder();
      const files = await filesOf('key', 'of key', 'x');
      put(entryPath(folder.path, 'other', 'bin'), files.bin);
      put(entryPath(folder.path, 'other', 'json'), files.json);
      await using opened = await openDiskTier(folder.path);
      assert.deepEqual([opened.troubles, opened.tier.size], [['corrupt-metadata'], 0]);
    });

    test('metadata that its owner does not take, or fails over', async () => {
      for (const parseMeta of [
        () => undefined,
        () => {
          throw new Error('not mine');
        },
      ]) {
        await using folder = await openTempFolder();
        const files = await filesOf('key', 'of key', 'x');
        put(entryPath(folder.path, 'key', 'bin'), files.bin);
        put(entryPath(folder.path, 'key', 'json'), files.json);
        await using opened = await openDiskTier(folder.path, { parseMeta });
        assert.deepEqual([opened.troubles, opened.tier.size], [['corrupt-metadata'], 0]);
      }
    });

    test('a file where a folder of entries belongs', async () => {
      await using folder = await openTempFolder();
      put(join(folder.path, 'cache-v1', OWN_LAYOUT.nameOf('key').slice(0, 2)), 'in the way');
      await using opened = await openDiskTier(folder.path);
      assert.deepEqual(opened.troubles, ['orphan']);
      assert.ok(await store(opened.tier, 'key', 'x'));
    });
  });

  test('leaves files alone whose names are none of ours', async () => {
    await using folder = await openTempFolder();
    const strangers = [
      'README',
      'zz/file',
      'ab/notes.txt',
      `ab/${'0'.repeat(64)}.bin`,
      'ab/x.json',
      'ab/ab.bin',
    ];
    for (const name of strangers) put(join(folder.path, 'cache-v1', name), 'mine');
    put(join(folder.path, 'mine'), 'mine');
    await using opened = await openDiskTier(folder.path);
    assert.deepEqual([opened.troubles, opened.tier.size], [[], 0]);
    for (const name of strangers) assert.ok(existsSync(join(folder.path, 'cache-v1', name)), name);
    assert.ok(existsSync(join(folder.path, 'mine')));
  });

  test('takes a copy of a folder for what it is', async () => {
    await using folder = await openTempFolder();
    await using copy = await openTempFolder();
    await using opened = await openDiskTier(folder.path);
    for (let i = 0; i < 300; i++) await store(opened.tier, `key ${i}`, `body ${i}`);
    await cp(folder.path, copy.path, { recursive: true, verbatimSymlinks: true });
    rmSync(join(copy.path, 'cache-v1-lock'));
    await using copied = await openDiskTier(copy.path);
    assert.deepEqual([copied.tier.size, copied.tier.bytes], [300, opened.tier.bytes]);
    for (let i = 0; i < 300; i++) assert.equal(String(await load(copied.tier, `key ${i}`)), `body ${i}`);
  });
});
