import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../../rig/free-port.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';
import { Suite } from './suite.ts';
import { SuiteOrigin } from './suite-origin.ts';

/** What a clone has to have, with an engine that says of each test that it passed. */
const FILES: Readonly<Record<string, string>> = {
  'package.json': '{ "version": "1.2.3" }',
  'node_modules/undici/index.js': '',
  'tests/index.mjs': `export default [
    { id: 'first', tests: [
      { id: 'a', name: 'A', depends_on: ['b'] },
      { id: 'browsers', name: 'B', browser_only: true },
    ] },
    { id: 'second', tests: [
      { id: 'b', name: 'C', kind: 'check', depends_on: ['a'] },
      { id: 'c', name: 'D', kind: 'optimal' },
    ] },
  ]`,
  'test-engine/client/runner.mjs': `const results = {}
    export async function runTests (groups, isBrowser, url) {
      for (const { tests } of groups) for (const { id, dump } of tests) results[id] = [url, dump]
    }
    export const getResults = () => results`,
  'test-engine/lib/results.mjs': `export const resultTypes = { pass: ['+'], untested: ['-'] }
    export const determineTestResult = (groups, id, results) =>
      id in results ? resultTypes.pass : resultTypes.untested`,
  'test-engine/server/server.mjs': `import { createServer } from 'node:http'
    createServer((request, response) => response.end(process.cwd()))
      .listen(Number(process.env.npm_config_port), () => console.log('Listening'))`,
  'results/index.mjs': `export default [{ file: 'one.json', name: 'One', version: '1' }, { file: 'two.json', name: 'Two' }]`,
  'results/one.json': '{}',
  'results/two.json': '{ "a": true }',
};

describe('a clone of the suite', () => {
  let folder: TempFolder;

  before(async () => {
    folder = await openTempFolder();
    await write(folder, Object.keys(FILES));
  });

  after(() => folder[Symbol.asyncDispose]());

  test('has the tests that apply to a proxy; those that say nothing are required', async () => {
    const { tests } = await Suite.open(folder.path);
    assert.deepEqual(
      tests.map(({ id, kind }) => [id, kind]),
      [
        ['a', 'required'],
        ['b', 'check'],
        ['c', 'optimal'],
      ],
    );
  });

  test('runs one test with those it depends on, and has only that one talk', async () => {
    const suite = await Suite.open(folder.path);
    const results = await suite.run('http://proxy.test', 'a');
    assert.deepEqual(results, { a: ['http://proxy.test', true], b: ['http://proxy.test', undefined] });
    assert.deepEqual([suite.verdictOf('a', results), suite.verdictOf('c', results)], ['pass', 'untested']);
  });

  test('has results of other caches', async () => {
    const peers = await (await Suite.open(folder.path)).peers(['two', 'none', 'one']);
    assert.deepEqual(peers, [
      { name: 'Two', version: '', results: { a: true } },
      { name: 'One', version: '1', results: {} },
    ]);
  });

  test('without git is known by its version', async () => {
    assert.equal((await Suite.open(folder.path)).version, '1.2.3');
  });

  test('has an origin, which is gone when its user is done', async () => {
    const port = await freePort();
    {
      await using origin = await SuiteOrigin.start(folder.path, port);
      assert.equal(await (await fetch(origin.url)).text(), folder.path);
    }
    await assert.rejects(fetch(`http://127.0.0.1:${port}`));
  });

  test('whose port is taken says so', async () => {
    const server = createServer().listen(0);
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    await assert.rejects(SuiteOrigin.start(folder.path, port), {
      message: `port ${port} is taken. Try another: --port N`,
    });
    server.close();
  });
});

test('a clone without what it depends on says how to install it', async () => {
  await using folder = await openTempFolder();
  await write(
    folder,
    Object.keys(FILES).filter((path) => !path.startsWith('node_modules')),
  );
  await assert.rejects(Suite.open(folder.path), /undici.*npm install --omit=dev --prefix/);
});

test('a folder that is no clone of the suite says how to make one', async () => {
  await using folder = await openTempFolder();
  await assert.rejects(
    Suite.open(folder.path),
    /is no clone of the suite. Try: git clone https:\/\/github.com\/http-tests/,
  );
});

async function write(folder: TempFolder, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(folder.path, path)), { recursive: true });
    await writeFile(join(folder.path, path), FILES[path] ?? '');
  }
}
