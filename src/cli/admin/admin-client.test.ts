import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { OpenedAdminSocket } from '../../../test/rig/opened-admin-socket.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { transaction } from '../../../test/rig/transactions.ts';
import { parseStatsReply, STATS_PATH } from '../../wire/proxy-admin.ts';
import { AdminClient } from './admin-client.ts';

const NEVER = new AbortController().signal;

async function allOf<T>(lines: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

describe('the client of an admin socket', () => {
  test('reads what is kept, and ends', async () => {
    await using opened = await OpenedAdminSocket.open();
    for (let n = 0; n < 1_000; n++) opened.log.add(transaction({ target: `/é/${n}` }));
    const client = new AdminClient(opened.path, NEVER);
    assert.deepEqual(await allOf(client.transactions({ last: 700, follows: false })), opened.log.last(700));
  });

  test('that follows ends with the signal, and fails where the proxy ends', async () => {
    await using opened = await OpenedAdminSocket.open();
    opened.log.add(transaction());
    const leaving = new AbortController();
    let told = 0;
    for await (const _ of new AdminClient(opened.path, leaving.signal).transactions({
      last: 1,
      follows: true,
    })) {
      told++;
      leaving.abort();
    }
    assert.equal(told, 1);
    const follow = async (): Promise<void> => {
      for await (const _ of new AdminClient(opened.path, NEVER).transactions({ last: 1, follows: true }))
        await opened.socket.close();
    };
    await assert.rejects(follow(), { code: 'PROXY_UNREACHABLE', message: /has ended/ });
  });

  test('says so where nobody answers, or somebody who is no proxy', async (t) => {
    await using folder = await openTempFolder();
    const path = join(folder.path, 'a.sock');
    const client = new AdminClient(path, NEVER);
    const ask = (): Promise<unknown> => client.get(STATS_PATH, parseStatsReply);
    const follow = (): Promise<unknown> => allOf(client.transactions({ last: 1, follows: true }));
    for (const asking of [ask, follow])
      await assert.rejects(asking(), { code: 'PROXY_UNREACHABLE', message: /\(ENOENT\)/ });

    let said = 'hello\n';
    let status = 200;
    const server = createServer((_, response) => response.writeHead(status).end(said));
    t.after(() => server.close());
    await new Promise<void>((resolve) => server.listen(path, resolve));
    for (said of ['hello\n', '{}\n', 'null\n'])
      for (const asking of [ask, follow])
        await assert.rejects(asking(), { code: 'PROXY_UNREACHABLE', message: /not a caching proxy/ });
    status = 404;
    for (const asking of [ask, follow])
      await assert.rejects(asking(), { code: 'PROXY_UNREACHABLE', message: /says 404/ });
  });
});
