import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { utimes } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { codeOf, FilesServer } from '../../../test/rig/files-server.ts';

interface Page {
  readonly entries: readonly { readonly id: number; readonly op: string; readonly path: string }[];
  readonly has_more: boolean;
  readonly next_after_id: number;
}

let server: FilesServer;
let since = 0;
before(async () => {
  server = await FilesServer.start();
  for (const path of ['a/1', 'a/2', 'ab', 'b']) await server.put(path, path);
  server.clock.advance(10_000);
  since = server.clock.now();
  await server.fetch('/files/a', { method: 'DELETE' });
});
after(() => server[Symbol.asyncDispose]());

async function shown(query: string): Promise<string[]> {
  const reply = await server.fetch(`/api/v1/journal?${query}`);
  assert.equal(reply.status, 200, query);
  return ((await reply.json()) as Page).entries.map(({ op, path }) => `${op} ${path}`);
}

describe('the journal', () => {
  test('tells what happened to a folder and to all in it, of which kind, and since when', async () => {
    const deleted = ['delete a/1', 'delete a/2', 'dir_deleted a'];
    assert.deepEqual((await shown('path=a')).sort(), ['create a/1', 'create a/2', ...deleted].sort());
    assert.deepEqual(await shown('path=/ab'), ['create ab']);
    assert.deepEqual(await shown('op=dir_deleted'), ['dir_deleted a']);
    assert.equal((await shown('op=create,dir_deleted')).length, 5);
    for (const moment of [String(since), new Date(since).toISOString()])
      assert.deepEqual((await shown(`since=${moment}`)).sort(), deleted);
  });

  test('is told a page at a time', async () => {
    const ids: number[] = [];
    for (let [afterId, more] = [0, true]; more; ) {
      const reply = await server.fetch(`/api/v1/journal?limit=3&after_id=${afterId}`);
      const page = (await reply.json()) as Page;
      ids.push(...page.entries.map(({ id }) => id));
      [afterId, more] = [page.next_after_id, page.has_more];
    }
    assert.deepEqual(ids, [1, 2, 3, 4, 5, 6, 7]);
  });

  test('answers what it cannot read, and what is not its', async () => {
    for (const query of [
      'limit=x',
      'limit=0',
      'limit=1001',
      'op=never',
      'since=yesterday',
      'what=1',
      'path=..',
    ]) {
      const reply = await server.fetch(`/api/v1/journal?${query}`);
      assert.deepEqual([reply.status, await codeOf(reply)], [400, 'BAD_REQUEST'], query);
    }
  });

  test('says how much there is, and flushes', async () => {
    const stats = (await (await server.fetch('/api/v1/journal/stats')).json()) as Record<string, unknown>;
    assert.equal(stats['total_entries'], 7);
    assert.equal(stats['writer_healthy'], true);
    const flushed = await server.fetch('/api/v1/journal/flush', { method: 'POST' });
    assert.deepEqual([flushed.status, await flushed.json()], [200, { flushed: true }]);
  });
});

describe('a prune that is asked for', () => {
  const ask = (body: object | string): Promise<Response> =>
    server.fetch(
      '/api/v1/prune',
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      },
      'admin',
    );

  test('removes what nobody has read, or says what it would', async () => {
    await server.put('unread/old', '0123456789');
    await server.put('unread/new', 'x');
    const long = (server.clock.now() - 40 * 24 * 3600_000) / 1000;
    await utimes(server.at('unread/old'), long, server.clock.now() / 1000);
    const would = await (await ask({ unread: '30d', path: 'unread', dry_run: true })).json();
    const counts = { files: 1, bytes: 10, busy: 0, kept_files: 1, kept_bytes: 1 };
    assert.deepEqual(would, { ...counts, dry_run: true });
    assert.equal(existsSync(server.at('unread/old')), true);
    assert.deepEqual(await (await ask({ unread: '30d', path: '/unread' })).json(), {
      ...counts,
      dry_run: false,
    });
    assert.equal(existsSync(server.at('unread/old')), false);
  });

  test('is refused where it does not say by what, or says what is not known', async () => {
    for (const body of [
      ...['', '[]', 'null', '"30d"', '{'],
      ...[{}, { unread: 'long' }, { unread: 30 }, { max_size: 'much' }, { max_size: '-1B' }],
      ...[
        { unread: '1d', dry_run: 'yes' },
        { unread: '1d', dryrun: true },
      ],
    ]) {
      const reply = await ask(body);
      assert.equal(reply.status, 400, JSON.stringify(body));
      await reply.arrayBuffer();
    }
    assert.equal(existsSync(server.at('unread/new')), true);
  });
});
