/** What Nx costs a server that reads large entries to their end before it sends them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { CompatServer } from '../../../../test/rig/compat-server.ts';
import { until } from '../../../../test/rig/until.ts';
import { parseObjectKey } from '../../../storage/object-key.ts';

test('however many ask for an entry at once, and leave, it is read ahead once at a time', async () => {
  await using server = await CompatServer.start();
  const { store } = server;
  const body = randomBytes(2 * 1024 * 1024);
  await store.put(parseObjectKey('nx/1'), body, { ifAbsent: true });
  const get = store.get.bind(store);
  const gate = Promise.withResolvers<void>();
  const reads = { ahead: 0, others: 0 };
  store.get = async (...asked) => {
    const isAhead = asked.length === 1; // an answer may be of a range
    reads[isAhead ? 'ahead' : 'others']++;
    if (isAhead) await gate.promise;
    return get(...asked);
  };
  const leaving = new AbortController();
  const gone = Array.from({ length: 3 }, () =>
    server.fetch('/v1/cache/1', { signal: leaving.signal }).catch(() => undefined),
  );
  const staying = Array.from({ length: 3 }, () => server.fetch('/v1/cache/1'));
  await until(async () => reads.others === 6);
  leaving.abort();
  await Promise.all(gone);
  gate.resolve();
  for (const reply of await Promise.all(staying))
    assert.deepEqual(Buffer.from(await reply.arrayBuffer()), body);
  assert.equal(reads.ahead, 1);
});
