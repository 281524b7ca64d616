/** What is answered from memory, where other things happen at the same time, or somebody wants to be remembered. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { CompatServer, type CompatServerOptions } from '../../../test/rig/compat-server.ts';
import { ManualClock } from '../../../test/rig/manual-clock.ts';
import { until } from '../../../test/rig/until.ts';
import { VelocityError } from '../../base/errors.ts';
import type { ObjectKey } from '../../storage/object-key.ts';
import type { Got, ObjectFacts, ObjectStore } from '../../storage/store.ts';
import { WrappedStore } from '../../storage/wrapped-store.ts';

/** Counts what it is asked, and can hold an answer back that it has already. */
class HoldingStore extends WrappedStore {
  reads = 0;
  bodies = 0;
  failure: Error | undefined;
  #held: { readonly arrived: () => void; readonly release: Promise<void> } | undefined;

  /** Of the next reading: when its answer is here, and how to let it go. */
  hold(): { readonly arrived: Promise<void>; readonly release: () => void } {
    const [arrived, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    this.#held = { arrived: arrived.resolve, release: release.promise };
    return { arrived: arrived.promise, release: release.resolve };
  }

  override async get(key: ObjectKey): Promise<Got> {
    this.bodies++;
    return this.#answer(await super.get(key));
  }

  override async head(key: ObjectKey): Promise<ObjectFacts | undefined> {
    return this.#answer(await super.head(key));
  }

  async #answer<T>(found: T): Promise<T> {
    this.reads++;
    if (this.failure) throw this.failure;
    const held = this.#held;
    this.#held = undefined;
    held?.arrived();
    await held?.release;
    return found;
  }
}

async function start(options: CompatServerOptions = {}): Promise<[CompatServer, HoldingStore]> {
  let holding: HoldingStore | undefined;
  const around = (store: ObjectStore): ObjectStore => {
    holding = new HoldingStore(store);
    return holding;
  };
  const server = await CompatServer.start({ remembers: true, around, ...options });
  assert.ok(holding);
  return [server, holding];
}

interface Reply {
  readonly status: number | undefined;
  readonly size: string | undefined;
  readonly text: string;
}

/** A simple request on a connection of its own. */
async function ask(server: CompatServer, path: string, method = 'GET'): Promise<Reply> {
  const agent = new Agent({ keepAlive: true });
  const sent = request(server.url + path, { agent, method, headers: { authorization: 'Bearer main' } });
  const [reply] = (await once(sent.end(), 'response')) as [IncomingMessage];
  const body = await text(reply);
  agent.destroy();
  return { status: reply.statusCode, size: reply.headers['content-length'], text: body };
}

async function bodyAt(server: CompatServer, path: string): Promise<string> {
  return (await ask(server, path)).text;
}

const MAVEN = '/maven/v1/g/a/c/buildinfo.xml';

test('what was replaced while it was being read is not kept', async () => {
  const [server, store] = await start();
  await using _ = server;
  await server.put(MAVEN, 'old');
  assert.equal(await bodyAt(server, MAVEN), 'old');
  const { arrived, release } = store.hold();
  const second = bodyAt(server, MAVEN);
  await arrived;
  await server.put(MAVEN, 'new');
  release();
  assert.equal(await second, 'old'); // it was asked for before
  assert.equal(await bodyAt(server, MAVEN), 'new');
});

test('what was removed while it was looked at is not kept', async () => {
  const [server, store] = await start();
  await using _ = server;
  await server.put('/kv/a', 'built');
  await ask(server, '/kv/a', 'HEAD');
  const { arrived, release } = store.hold();
  const second = ask(server, '/kv/a', 'HEAD');
  await arrived;
  assert.equal((await server.fetch('/kv/a', { method: 'DELETE' }, 'admin')).status, 204);
  release();
  assert.equal((await second).status, 200);
  assert.equal((await ask(server, '/kv/a', 'HEAD')).status, 404);
});

test('of what was removed elsewhere and stored anew here, the new is told', async () => {
  const [server, store] = await start();
  await using _ = server;
  await server.put('/kv/a', 'old');
  for (let i = 0; i < 3; i++) assert.equal((await ask(server, '/kv/a', 'HEAD')).size, '3');
  const [key] = await server.keys();
  await store.delete(key as ObjectKey);
  await server.put('/kv/a', 'newer');
  assert.equal((await ask(server, '/kv/a', 'HEAD')).size, '5');
});

test('what goes on being asked for goes on being answered from memory, and the storage is asked but now and then', async () => {
  const clock = new ManualClock();
  const [server, store] = await start({ clock });
  await using _ = server;
  await server.put('/kv/a', 'built');
  for (let i = 0; i < 2; i++) await ask(server, '/kv/a');
  const { bodies } = store;
  const looks = () => store.reads - bodies;
  const before = looks();
  for (let round = 1; round <= 12; round++) {
    clock.advance(5_000); // half of its time
    for (let i = 0; i < 3; i++) assert.equal(await bodyAt(server, '/kv/a'), 'built');
    await until(() => looks() === before + round);
    await setImmediate(); // and what it found is noted
  }
  assert.equal(store.bodies, bodies);
});

test('what was removed elsewhere is told of until half of its time is over and it was asked for once more', async () => {
  const clock = new ManualClock();
  const [server, store] = await start({ clock });
  await using _ = server;
  await server.put('/kv/a', 'built');
  for (let i = 0; i < 2; i++) await ask(server, '/kv/a');
  const [key] = await server.keys();
  await store.delete(key as ObjectKey);
  clock.advance(4_000);
  assert.equal(await bodyAt(server, '/kv/a'), 'built');
  clock.advance(1_000);
  assert.equal(await bodyAt(server, '/kv/a'), 'built');
  await until(async () => (await ask(server, '/kv/a')).status === 404);
});

test('a storage that fails when it is asked leaves what is hot its time, and no more', async () => {
  const clock = new ManualClock();
  const [server, store] = await start({ clock });
  await using _ = server;
  await server.put('/kv/a', 'built');
  for (let i = 0; i < 2; i++) await ask(server, '/kv/a');
  store.failure = new VelocityError('STORAGE_UNAVAILABLE', 'The storage does not answer.');
  for (const seconds of [5, 4]) {
    clock.advance(seconds * 1000);
    assert.equal(await bodyAt(server, '/kv/a'), 'built');
  }
  clock.advance(1_000);
  assert.equal((await ask(server, '/kv/a')).status, 503);
});

test('a protocol without HEAD has none from memory either', async () => {
  const [server] = await start();
  await using _ = server;
  const path = '/v1/cache/123';
  await server.put(path, gzipSync(Buffer.alloc(1024)));
  const cold = await ask(server, path, 'HEAD');
  for (let i = 0; i < 3; i++) assert.equal((await ask(server, path)).status, 200);
  assert.deepEqual(await ask(server, path, 'HEAD'), cold);
  assert.notEqual(cold.status, 200);
});

test('an entry is answered from memory at addresses of a length that build tools use, and no longer ones', async () => {
  const [server, store] = await start();
  await using _ = server;
  await server.put('/kv/a', 'built');
  for (const [length, isKept] of [
    [1024, true],
    [1025, false],
  ] as const) {
    const path = `/kv/a?${'x'.repeat(length - '/kv/a?'.length)}`;
    for (let i = 0; i < 4; i++) assert.equal(await bodyAt(server, path), 'built');
    const earlier = store.reads;
    await ask(server, path);
    assert.equal(store.reads === earlier, isKept);
  }
});

test('a request over its limit is refused, and counted, once', async () => {
  const [server] = await start({ limits: { limitRequests: { amount: 5, periodMs: 3_600_000 } } });
  await using _ = server;
  await server.put('/kv/a', 'built');
  for (let i = 0; i < 4; i++) assert.equal(await bodyAt(server, '/kv/a'), 'built');
  assert.equal((await ask(server, '/kv/a')).status, 429);
  assert.match(await server.registry.metrics(), /vc_rate_limited_total\{by="token",what="requests"\} 1\n/);
});
