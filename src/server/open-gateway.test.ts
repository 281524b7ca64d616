import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTempFolder } from '../../test/rig/temp-folder.ts';
import { openLogger } from '../telemetry/logger.ts';
import { loadServerSettings } from './load-settings.ts';
import { VelocityServer } from './server.ts';

/** A server with three failovers: `both` and `kept` over `one` and `two`, and `some` over one that cannot be opened and `one`. */
async function start(): Promise<
  AsyncDisposable & { send: (path: string, body?: string) => Promise<string> }
> {
  const folder = await openTempFolder();
  const config = join(folder.path, 'config.yaml');
  const blocked = join(folder.path, 'blocked');
  await writeFile(blocked, 'no folder');
  const stores = [
    'some: { type: failover, stores: [away, one] }',
    'both: { type: failover, stores: "one, two" }',
    'kept: { type: failover, stores: [two, one] }',
    `one: { type: local, root: ${join(folder.path, 'one')} }`,
    `two: { type: local, root: ${join(folder.path, 'two')}, immutable: true }`,
    `away: { type: local, root: ${join(blocked, 'store')} }`,
  ];
  const text = `listen: 127.0.0.1:0\nauth: { bearer_token: t }\nstores:\n  ${stores.join('\n  ')}\n`;
  await writeFile(config, text);
  const loaded = loadServerSettings({ flags: new Map(), env: {}, configFiles: [config] });
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const logger = openLogger('silent');
  const server = await VelocityServer.start(loaded.value, { logger, version: '0' });
  return {
    async send(path, body) {
      const response = await fetch(new URL(path, server.url), {
        method: body === undefined ? 'GET' : 'PUT',
        headers: { authorization: 'Bearer t' },
        ...(body === undefined ? {} : { body }),
      });
      const said = await response.text();
      return `${response.status} ${response.status === 200 ? said : ''}`.trim();
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('a failover reads what any of its stores has and writes to the first, in whatever order they are named', async () => {
  await using server = await start();
  assert.equal(await server.send('/two/a', 'of two'), '201');
  assert.equal(await server.send('/both/a'), '200 of two');
  assert.equal(await server.send('/both/b', 'of both'), '201');
  assert.equal(await server.send('/one/b'), '200 of both');
  assert.equal(await server.send('/two/b'), '404');
  assert.equal(await server.send('/both/none'), '404');
});

test('with a store that is away the others are read, and what they do not have is no miss', async () => {
  await using server = await start();
  assert.equal(await server.send('/one/a', 'of one'), '201');
  assert.equal(await server.send('/some/a'), '200 of one');
  assert.match(await server.send('/some/none'), /^50[23]$/);
  assert.match(await server.send('/some/b', 'x'), /^50[23]$/);
  assert.equal(await server.send('/one/b'), '404', 'a write goes nowhere else');
});

test('reads that a later store answered are counted under the failover’s name', async () => {
  await using server = await start();
  await server.send('/two/a', 'of two');
  await server.send('/one/b', 'of one');
  for (const path of ['/both/a', '/kept/a', '/both/b', '/both/none']) await server.send(path);
  const counts = (await server.send('/metrics')).match(/^vc_storage_failovers_total.*$/gm);
  assert.deepEqual(counts, ['vc_storage_failovers_total{store="both"} 1']);
});

test('what the first store keeps as it is, is kept behind a failover too', async () => {
  await using server = await start();
  assert.equal(await server.send('/kept/a', 'first'), '201');
  assert.equal(await server.send('/kept/a', 'second'), '409');
  assert.equal(await server.send('/two/a'), '200 first');
});
