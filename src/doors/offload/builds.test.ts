import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { FakeBuildServer } from '../../../test/rig/fake-build-server.ts';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { openBinaryCache } from '../../../test/rig/opened-binary-cache.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { until } from '../../../test/rig/until.ts';
import type { BinaryCache } from './binary-cache.ts';
import { BuildClient } from './build-client.ts';
import { type BuildSpec, parseBuildSpec } from './build-spec.ts';
import { Builds } from './builds.ts';

const NEVER = new AbortController().signal;

function specOf(extras: object = {}): BuildSpec {
  const message = { rr_version: 'v1.0.0', plugins: [{ module_name: 'm', tag: 't' }], ...extras };
  return parseBuildSpec(Buffer.from(JSON.stringify(message)));
}

type CacheChoice = 'cached' | 'uncached' | Pick<BinaryCache, 'has' | 'read' | 'keep'>;

async function openBuilds(choice: CacheChoice = 'cached') {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await openTempFolder());
  const server = stack.use(await FakeBuildServer.start());
  const clock = new ManualClock();
  const opened = stack.use(await openBinaryCache(join(folder.path, 'cache'), { clock }));
  const client = new BuildClient({
    serverUrl: server.url,
    requestTimeoutMs: 180_000,
    buildTimeoutMs: 300_000,
    retry: { maxAttempts: 1, initialDelayMs: 1_000, maxDelayMs: 10_000, backoffMultiplier: 2 },
    clock,
  });
  stack.defer(() => client.close());
  const cache = choice === 'cached' ? opened.cache : choice === 'uncached' ? undefined : choice;
  const builds = new Builds({ client, cache, outputFolders: [folder.path], clock });
  const path = join(folder.path, 'rr');
  /** Has the build server be done with this content. */
  const finish = async (content: string): Promise<void> => {
    const asked = await server.next();
    writeFileSync(path, content);
    asked.answer({ path });
  };
  return { builds, server, path, finish, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function contentOf(builds: Builds, spec: BuildSpec): Promise<string> {
  return text((await builds.open(spec, NEVER)).binary.stream('whole'));
}

/** Files below a folder that this process has open. */
function openBelow(folder: string): readonly string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false;
    }
  });
}

describe('equal builds', () => {
  for (const choice of ['cached', 'uncached'] as const)
    test(`at once are one, whose binary each gets whole, though its file is removed (${choice})`, async () => {
      await using opened = await openBuilds(choice);
      const { builds, server, path, finish } = opened;
      const content = 'binary '.repeat(100_000);
      const all = Array.from({ length: 50 }, (_, i) => builds.open(specOf({ request_id: `${i}` }), NEVER));
      await finish(content);
      const binaries = await Promise.all(all);
      rmSync(path);
      for (const { binary } of binaries) assert.equal(await text(binary.stream('whole')), content);
      assert.equal(server.asked.length, 1);
      const sources = binaries.map(({ source }) => source);
      assert.deepEqual(sources, ['built', ...Array.from({ length: 49 }, () => 'joined')]);
    });

  test('later come from the cache; others are built', async () => {
    await using opened = await openBuilds();
    const { builds, server, finish } = opened;
    const [first] = await Promise.all([contentOf(builds, specOf()), finish('one')]);
    assert.equal(first, 'one');
    assert.equal(await contentOf(builds, specOf({ request_id: 'other' })), 'one');
    const [raced] = await Promise.all([contentOf(builds, specOf({ race: true })), finish('two')]);
    assert.deepEqual([raced, server.asked.length], ['two', 2]);
  });

  test('are built anew where that is forced, and the cache has the new binary then', async () => {
    await using opened = await openBuilds();
    const { builds, server, finish } = opened;
    await Promise.all([contentOf(builds, specOf()), finish('old')]);
    const forced = await Promise.all([contentOf(builds, specOf({ force_rebuild: true })), finish('new')]);
    assert.equal(forced[0], 'new');
    assert.equal(server.asked[1]?.message['force_rebuild'], true);
    assert.equal(await contentOf(builds, specOf()), 'new');
    assert.equal(server.asked.length, 2);
  });

  test('go on while somebody waits, and are broken off when the last has left', async () => {
    await using opened = await openBuilds();
    const { builds, server } = opened;
    const [one, other] = [new AbortController(), new AbortController()];
    const both = [builds.open(specOf(), one.signal), builds.open(specOf(), other.signal)];
    const asked = await server.next();
    one.abort(new Error('gone'));
    await assert.rejects(both[0] as Promise<unknown>, /gone/);
    assert.equal(asked.isAborted, false);
    other.abort(new Error('gone'));
    await assert.rejects(both[1] as Promise<unknown>, /gone/);
    await until(() => asked.isAborted);
  });

  test('that fail are not remembered', async () => {
    await using opened = await openBuilds();
    const { builds, server, finish } = opened;
    const failed = assert.rejects(builds.open(specOf(), NEVER), { code: 'BUILD_FAILED' });
    (await server.next()).answer({ code: 'internal', message: 'no' }, 500);
    await failed;
    const [content] = await Promise.all([contentOf(builds, specOf()), finish('binary')]);
    assert.equal(content, 'binary');
  });
});

describe('a build', () => {
  test('is not held up by a cache that fails', async () => {
    await using opened = await openBuilds({
      has: () => false,
      read: async () => undefined,
      keep: () => Promise.reject(new Error('the disk is gone')),
    });
    const { builds, finish } = opened;
    const [content] = await Promise.all([contentOf(builds, specOf()), finish('binary')]);
    assert.equal(content, 'binary');
  });

  test('that ends with an empty file fails', async () => {
    await using opened = await openBuilds();
    const { builds, finish } = opened;
    const failed = assert.rejects(builds.open(specOf(), NEVER), { code: 'BUILD_EMPTY' });
    await finish('');
    await failed;
  });

  test('that ends with a file elsewhere is refused', async () => {
    await using opened = await openBuilds();
    const { builds, server } = opened;
    const failed = assert.rejects(builds.open(specOf(), NEVER), { code: 'BUILD_OUTPUT_REFUSED' });
    (await server.next()).answer({ path: '/etc/passwd' });
    await failed;
  });

  for (const choice of ['cached', 'uncached'] as const)
    test(`leaves no file open once all were read or closed (${choice})`, async () => {
      await using opened = await openBuilds(choice);
      const { builds, path, finish } = opened;
      const [{ binary }, { binary: unread }] = await Promise.all([
        builds.open(specOf(), NEVER),
        builds.open(specOf(), NEVER),
        finish('binary'),
      ]);
      assert.equal(String(await buffer(binary.stream({ first: 1, last: 3 }))), 'ina');
      unread.close();
      await until(() => openBelow(join(path, '..')).length === 0);
    });
});
