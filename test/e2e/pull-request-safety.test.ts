/**
 * CREEP (CVE-2025-36852) as a story. Whoever may write the cache first decides what everybody gets: a pull request
 * whose build runs code of its own makes a poisoned result under the very key that main will ask for. Signing or
 * encrypting does not help, for the poison is made before anything is packed. Here the attacker runs the real
 * runner with a compiler of its own, and so does the victim with the right one (A1).
 */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { NegotiateReply } from '../../src/wire/negotiate.ts';
import { Azurite } from '../rig/azurite.ts';
import { type CliResult, velocity } from '../rig/cli.ts';
import { postNegotiate } from '../rig/negotiate.ts';
import { newToken } from '../rig/new-token.ts';
import { ServerProcess, TEST_TOKEN } from '../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';
import { type Files, TempWorkspace } from '../rig/temp-workspace.ts';

/** The compiler is found on the PATH, as compilers are: nothing of the key tells one from another. */
const FILES: Files = {
  'velocity.yml': [
    'version: 1',
    'remote:',
    '  url: ${GATEWAY}',
    '  token: ${CACHE_TOKEN}',
    'pipeline:',
    '  build:',
    '    outputs: ["dist/**"]',
    '',
  ].join('\n'),
  'package.json': { name: 'root', private: true, workspaces: ['packages/*'] },
  '.gitignore': 'dist\n.velocity\n',
  'packages/app/package.json': {
    name: 'app',
    scripts: { build: 'mkdir -p dist && compile > dist/app.js' },
  },
};
const [GOOD, POISON] = ['good code', 'POISON'];

let folder: TempFolder;
let azurite: Azurite;
before(async () => {
  folder = await openTempFolder();
  azurite = await Azurite.start();
  for (const [tools, code] of [
    ['good', GOOD],
    ['evil', POISON],
  ] as const) {
    mkdirSync(join(folder.path, tools));
    const compiler = join(folder.path, tools, 'compile');
    writeFileSync(compiler, `#!/bin/sh\necho ${code}\n`);
    chmodSync(compiler, 0o755);
  }
});
after(async () => {
  await azurite[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Build extends CliResult {
  /** What the build made, or took from the cache. */
  readonly output: string;
  readonly ran: boolean;
}

/** A build on a machine of its own: nothing is there but what the cache gives. */
async function build(
  url: string,
  token: string,
  { tools = 'good', source = '' }: { tools?: 'good' | 'evil'; source?: string } = {},
): Promise<Build> {
  await using workspace = await TempWorkspace.open({ ...FILES, 'packages/app/src.txt': source });
  const PATH = `${join(folder.path, tools)}:${process.env['PATH']}`;
  const env = { GATEWAY: url, CACHE_TOKEN: token, PATH };
  const result = await velocity(['run', 'build'], { cwd: workspace.root, env });
  assert.equal(result.exitCode, 0, result.stderr);
  const output = workspace.read('packages/app/dist/app.js').trim();
  return { ...result, output, ran: /1 ran/.test(result.stderr) };
}

async function keyOf(url: string, token: string, source: string): Promise<string> {
  await using workspace = await TempWorkspace.open({ ...FILES, 'packages/app/src.txt': source });
  const env = { GATEWAY: url, CACHE_TOKEN: token };
  const { stdout } = await velocity(['run', 'build', '--dry=json'], { cwd: workspace.root, env });
  const { tasks } = JSON.parse(stdout) as { tasks: { task: string; key: string }[] };
  return tasks.find(({ task }) => task === 'app#build')?.key ?? '';
}

async function ask(url: string, token: string, hash: string, action: string): Promise<NegotiateReply> {
  return (await (await postNegotiate(url, { hash, action }, token)).json()) as NegotiateReply;
}

function describeSafety(name: string, storage: () => Promise<Record<string, string>>): void {
  describe(`a pull request that means harm, on ${name}`, () => {
    let env: Record<string, string>;
    let server: ServerProcess;
    let tokens: Record<'main' | 'pull-request' | 'developer', string>;
    before(async () => {
      env = await storage();
      const file = join(folder.path, `${name}.yml`);
      tokens = {
        main: await newToken(file, 'main'),
        'pull-request': await newToken(file, 'pull-request'),
        developer: await newToken(file, 'developer'),
      };
      server = await ServerProcess.start({ ...env, VC_AUTH_TOKEN: '', VC_AUTH_TOKENS_FILE: file });
    });
    after(() => server[Symbol.asyncDispose]());

    test('where all share one token, main gets what the pull request made', async () => {
      await using naive = await ServerProcess.start(env);
      const source = 'a store that trusts everybody';
      await build(naive.url, TEST_TOKEN, { tools: 'evil', source });
      const victim = await build(naive.url, TEST_TOKEN, { source });
      assert.deepEqual([victim.ran, victim.output], [false, POISON], victim.stderr);
    });

    test('with scopes it gets nothing of it, stores its own under the same key, and everybody reads that', async () => {
      const source = 'the change that will be merged';
      const attack = await build(server.url, tokens['pull-request'], { tools: 'evil', source });
      assert.deepEqual([attack.ran, attack.output], [true, POISON]);
      const second = await build(server.url, tokens['pull-request'], { source });
      assert.deepEqual(
        [second.ran, second.output],
        [false, POISON],
        'the poison is there, for pull requests',
      );

      const victim = await build(server.url, tokens.main, { source });
      assert.deepEqual([victim.ran, victim.output], [true, GOOD], 'not read');
      const next = await build(server.url, tokens.main, { tools: 'evil', source });
      assert.deepEqual(
        [next.ran, next.output],
        [false, GOOD],
        'nor was the key reserved: it was stored and is read',
      );
      const developer = await build(server.url, tokens.developer, { tools: 'evil', source });
      assert.deepEqual([developer.ran, developer.output], [false, GOOD]);
      const pullRequest = await build(server.url, tokens['pull-request'], { tools: 'evil', source });
      assert.deepEqual(
        [pullRequest.ran, pullRequest.output],
        [false, GOOD],
        'nor is it shadowed, even there',
      );
    });

    test('an upload that began before main’s, and ends after it, changes nothing', async () => {
      const source = 'a race';
      const hash = await keyOf(server.url, tokens.main, source);
      const early = await ask(server.url, tokens['pull-request'], hash, 'upload');
      assert.ok(early.status === 'upload_needed');
      const main = await build(server.url, tokens.main, { source });
      assert.deepEqual([main.ran, main.output], [true, GOOD]);
      const sent = await fetch(early.url, { method: 'PUT', headers: early.headers, body: POISON });
      assert.equal(sent.status, 201, 'it lands in its own scope');
      const reader = await build(server.url, tokens.main, { tools: 'evil', source });
      assert.deepEqual([reader.ran, reader.output], [false, GOOD]);
    });

    test('the URL of an upload opens no key of main', async () => {
      const hash = await keyOf(server.url, tokens.main, 'a stretched URL');
      const { url, headers } = (await ask(
        server.url,
        tokens['pull-request'],
        hash,
        'upload',
      )) as NegotiateReply & {
        status: 'upload_needed';
      };
      const moved = url.replace('tenants/default/pull-request/', '');
      assert.notEqual(moved, url);
      const sent = await fetch(moved, { method: 'PUT', headers, body: POISON });
      assert.equal(sent.status, 403);
      assert.equal((await ask(server.url, tokens.main, hash, 'download')).status, 'missing');
    });

    test('a developer’s build reads, sends nothing and says so', async () => {
      const source = 'a change on a laptop';
      const { ran, stderr } = await build(server.url, tokens.developer, { source });
      assert.ok(ran);
      assert.match(stderr, /^remote cache: the token reads and does not write, so nothing is sent there\.$/m);
      assert.ok(!/warning|failed/.test(stderr), stderr);
      const hash = await keyOf(server.url, tokens.main, source);
      assert.equal((await ask(server.url, tokens.main, hash, 'download')).status, 'missing');
    });

    test('the log names who asked by the token’s id, and no token', () => {
      const text = JSON.stringify(server.log);
      for (const token of Object.values(tokens)) {
        const [, id] = token.split('_');
        assert.ok(server.log.some(({ tokenId }) => tokenId === id));
        assert.ok(!text.includes(token.slice(-43)));
      }
    });
  });
}

describeSafety('local', async () => ({ VC_LOCAL_ROOT: join(folder.path, 'store') }));
describeSafety('azurite', () => azurite.gatewayEnv());
