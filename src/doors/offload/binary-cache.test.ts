import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { openBinaryCache } from '../../../test/rig/opened-binary-cache.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { type Digest, digestOf } from '../../base/digest.ts';
import type { BinaryCache } from './binary-cache.ts';
import { BuiltFile } from './built-file.ts';

const META = {
  durationMs: 45_000,
  rrVersion: '2024.1.0',
  platform: { os: 'linux', arch: 'amd64' },
  plugins: [{ moduleName: 'github.com/roadrunner-server/http/v5', tag: 'v5.2.7' }],
};

async function keep(cache: BinaryCache, folder: string, key: Digest, bytes: Buffer): Promise<boolean> {
  const path = join(folder, `source-${key.slice(0, 8)}`);
  writeFileSync(path, bytes);
  using built = await BuiltFile.of(key, await open(path));
  return await cache.keep(built, META);
}

async function load(cache: BinaryCache, key: Digest): Promise<Buffer | undefined> {
  const binary = await cache.read(key);
  return binary && buffer(binary.stream('whole'));
}

function keysIn(directory: string): readonly string[] {
  return readdirSync(directory).filter((name) => /\.(?:bin|json)$/.test(name));
}

describe('the cache of binaries', () => {
  test('keeps a binary as {hash}.bin and {hash}.json in its folder, with the fields of velox-middleware', async () => {
    await using folder = await openTempFolder();
    const directory = join(folder.path, 'cache');
    const clock = new ManualClock(1_699_889_234_567);
    const key = digestOf('a');
    const bytes = randomBytes(700_000);
    {
      await using opened = await openBinaryCache(directory, { clock });
      assert.ok(await keep(opened.cache, folder.path, key, bytes));
      clock.advance(100_000);
      assert.deepEqual(await load(opened.cache, key), bytes);
    }
    assert.deepEqual(keysIn(directory), [`${key}.bin`, `${key}.json`]);
    assert.deepEqual(readFileSync(join(directory, `${key}.bin`)), bytes);
    const record = JSON.parse(readFileSync(join(directory, `${key}.json`), 'utf8'));
    const { version, hash, binary_file, file_size, rr_version, platform, plugins } = record;
    assert.deepEqual(
      { version, hash, binary_file, file_size, rr_version, platform, plugins },
      {
        version: '1.0',
        hash: key,
        binary_file: `${key}.bin`,
        file_size: 700_000,
        rr_version: '2024.1.0',
        platform: { os: 'linux', arch: 'amd64' },
        plugins: [{ module_name: 'github.com/roadrunner-server/http/v5', tag: 'v5.2.7' }],
      },
    );
    const { created_at, last_accessed, access_count, build_duration_ms } = record;
    assert.deepEqual([created_at, last_accessed], [1_699_889_234, 1_699_889_334]);
    assert.deepEqual([access_count, build_duration_ms], [1, 45_000]);

    await using again = await openBinaryCache(directory, { clock });
    assert.deepEqual(await load(again.cache, key), bytes);
    assert.deepEqual(again.troubles, []);
  });

  test('removes orphans and records that are none at its start, and leaves other files alone', async () => {
    await using folder = await openTempFolder();
    writeFileSync(join(folder.path, `${digestOf('a')}.bin`), 'alone');
    writeFileSync(join(folder.path, `${digestOf('b')}.json`), '{"version":"1.0"}');
    writeFileSync(join(folder.path, `${digestOf('c')}.bin`), 'x');
    writeFileSync(join(folder.path, `${digestOf('c')}.json`), '{"version":"1.0"');
    writeFileSync(join(folder.path, 'notes.json'), '{}');
    await using opened = await openBinaryCache(folder.path);
    assert.deepEqual(keysIn(folder.path), ['notes.json']);
    assert.deepEqual(opened.troubles.sort(), ['corrupt-metadata', 'orphan', 'orphan']);
  });

  test('takes a binary that is damaged for a miss, before its first byte', async () => {
    await using folder = await openTempFolder();
    await using opened = await openBinaryCache(folder.path);
    const key = digestOf('a');
    await keep(opened.cache, folder.path, key, randomBytes(1000));
    truncateSync(join(folder.path, `${key}.bin`), 999);
    assert.equal(await load(opened.cache, key), undefined);
    assert.equal(opened.cache.has(key), false);
  });

  test('gives the whole of what is evicted while it is read', async () => {
    await using folder = await openTempFolder();
    await using opened = await openBinaryCache(folder.path, { maxEntries: 1 });
    const bytes = randomBytes(2_000_000);
    await keep(opened.cache, folder.path, digestOf('a'), bytes);
    const reading = await opened.cache.read(digestOf('a'));
    await keep(opened.cache, folder.path, digestOf('b'), randomBytes(10));
    assert.deepEqual(opened.evicted, ['entries']);
    assert.ok(reading && bytes.equals(await buffer(reading.stream('whole'))));
  });

  const victims = { lru: 'b', lfu: 'b', fifo: 'a' } as const;
  for (const [evictionPolicy, victim] of Object.entries(victims))
    test(`evicts the right one by ${evictionPolicy}, and by age and size`, async () => {
      await using folder = await openTempFolder();
      const clock = new ManualClock();
      const policy = evictionPolicy as keyof typeof victims;
      const options = { evictionPolicy: policy, maxEntries: 2, maxAgeDays: 30, maxSizeGb: 0.01, clock };
      await using opened = await openBinaryCache(folder.path, options);
      const { cache } = opened;
      for (const name of ['a', 'b']) await keep(cache, folder.path, digestOf(name), randomBytes(10));
      await load(cache, digestOf('a'));
      await keep(cache, folder.path, digestOf('c'), randomBytes(10));
      assert.equal(cache.has(digestOf(victim)), false);
      assert.equal(await keep(cache, folder.path, digestOf('d'), Buffer.alloc(11_000_000)), false);
      clock.advance(30 * 86_400_000);
      assert.equal(await load(cache, digestOf('c')), undefined);
    });

  test('keeps nothing of a source that changes meanwhile, and forgets what it had', async () => {
    await using folder = await openTempFolder();
    await using opened = await openBinaryCache(folder.path);
    const key = digestOf('a');
    await keep(opened.cache, folder.path, key, Buffer.from('old'));
    const path = join(folder.path, 'changing');
    writeFileSync(path, randomBytes(1000));
    using built = await BuiltFile.of(key, await open(path));
    truncateSync(path, 500);
    assert.equal(await opened.cache.keep(built, META), false);
    assert.equal(await load(opened.cache, key), undefined);
  });
});
