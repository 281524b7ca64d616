/** Tokens of a file, as a running server takes them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../../src/base/digest.ts';
import { velocity } from '../rig/cli.ts';
import { postNegotiate } from '../rig/negotiate.ts';
import { newToken } from '../rig/new-token.ts';
import { type LogLine, ServerProcess, TEST_TOKEN } from '../rig/server-process.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { until } from '../rig/until.ts';

async function openServer(env: Readonly<Record<string, string>> = {}) {
  const folder = await openTempFolder();
  const file = join(folder.path, 'tokens.yml');
  const first = await newToken(file, 'main');
  const server = await ServerProcess.start({
    VC_LOCAL_ROOT: join(folder.path, 'store'),
    VC_AUTH_TOKEN: '',
    VC_AUTH_TOKENS_FILE: file,
    ...env,
  });
  return {
    folder: folder.path,
    file,
    server,
    first,
    async statusOf(token: string): Promise<number> {
      const item = { hash: digestOf(randomBytes(16)), action: 'download' };
      const reply = await postNegotiate(server.url, item, token);
      await reply.arrayBuffer();
      return reply.status;
    },
    said: (message: RegExp): LogLine[] => server.log.filter((line) => message.test(String(line['message']))),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('a token that is added is let in, and one that is revoked no longer, without a restart', async () => {
  await using opened = await openServer();
  assert.equal(await opened.statusOf(opened.first), 200);
  const second = await newToken(opened.file, 'developer');
  await until(async () => (await opened.statusOf(second)) === 200);

  const [, id = ''] = second.split('_');
  const revoked = await velocity(['token', 'revoke', id, '--file', opened.file], { cwd: opened.folder });
  assert.equal(revoked.exitCode, 0, revoked.stderr);
  await until(async () => (await opened.statusOf(second)) === 401);
  assert.equal(await opened.statusOf(opened.first), 200, 'the others stay');
});

test('SIGHUP reads the file again; with mistakes in it the tokens stay, and the log tells them', async () => {
  await using opened = await openServer();
  opened.server.child.kill('SIGHUP');
  await until(async () => opened.said(/the token file was read/).length > 0);

  writeFileSync(opened.file, 'tokens:\n  - id: half\n');
  opened.server.child.kill('SIGHUP');
  await until(async () => opened.said(/has mistakes: the tokens known before stay/).length > 0);
  assert.match(JSON.stringify(opened.server.log), /tokens\.yml:2:5: tokens\.0\.sha256: is missing/);
  assert.equal(await opened.statusOf(opened.first), 200);

  writeFileSync(opened.file, 'tokens: []\n');
  opened.server.child.kill('SIGHUP');
  await until(async () => (await opened.statusOf(opened.first)) === 401);
});

test('beside a file of tokens the simple one goes on meaning everything', async () => {
  await using opened = await openServer({ VC_AUTH_TOKEN: TEST_TOKEN });
  assert.equal(await opened.statusOf(TEST_TOKEN), 200);
  assert.equal(await opened.statusOf(opened.first), 200);
  writeFileSync(opened.file, 'tokens: []\n');
  await until(async () => (await opened.statusOf(opened.first)) === 401);
  assert.equal(await opened.statusOf(TEST_TOKEN), 200);
});

test('servers without a token in common open each other’s URLs where they share a secret for them', async () => {
  await using first = await openServer({ VC_URL_SECRET: 'shared' });
  const env = { VC_LOCAL_ROOT: join(first.folder, 'store'), VC_AUTH_TOKEN: 'another-token' };
  await using second = await ServerProcess.start({ ...env, VC_URL_SECRET: 'shared' });
  await using stranger = await ServerProcess.start(env);
  const hash = digestOf(randomBytes(16));
  const reply = await postNegotiate(first.server.url, { hash, action: 'upload' }, first.first);
  const { url, headers } = (await reply.json()) as { url: string; headers: Record<string, string> };
  const put = async (to: string): Promise<number> => {
    const sent = await fetch(url.replace(first.server.url, to), { method: 'PUT', headers, body: 'body' });
    await sent.arrayBuffer();
    return sent.status;
  };
  assert.equal(await put(stranger.url), 403);
  assert.equal(await put(second.url), 201);
});

test('a start without any token, or with a file that has mistakes, says why and how to mend it', async () => {
  await using folder = await openTempFolder();
  const serve = (env: Record<string, string>) =>
    velocity(['serve', '--port', '0', '--host', '127.0.0.1'], { cwd: folder.path, env });
  const none = await serve({});
  assert.equal(none.exitCode, 2);
  assert.match(none.stderr, /VC_AUTH_TOKEN: is not set.*velocity token new --file tokens\.yml/s);

  writeFileSync(join(folder.path, 'tokens.yml'), 'tokens:\n  - id: ci\n    preset: mian\n');
  const wrong = await serve({ VC_AUTH_TOKENS_FILE: 'tokens.yml' });
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /tokens\.yml:3:13: tokens\.0\.preset: expected .*did you mean "main"/);
  assert.match(wrong.stderr, /> 3 \| {5}preset: mian\n +\| +\^\^\^\^/, 'with the lines around it');
  assert.match(wrong.stderr, /tokens\.0\.sha256: is missing/, 'all of them at once');

  const away = await serve({ VC_AUTH_TOKENS_FILE: 'none.yml' });
  assert.match(away.stderr, /none\.yml: cannot be read: ENOENT/);
});

test('no token is anywhere on the server’s disk or in its log', async () => {
  await using opened = await openServer();
  await opened.statusOf(opened.first);
  const secret = opened.first.slice(-43);
  assert.ok(!readFileSync(opened.file, 'utf8').includes(secret));
  assert.ok(!JSON.stringify(opened.server.log).includes(secret));
});
