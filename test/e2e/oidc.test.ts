/** Jobs of a CI system with tokens of its issuer, as a running server takes them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../../src/base/digest.ts';
import { EXCHANGE_PATH, type ExchangeReply } from '../../src/wire/exchange.ts';
import type { NegotiateReply } from '../../src/wire/negotiate.ts';
import { velocity } from '../rig/cli.ts';
import { postNegotiate } from '../rig/negotiate.ts';
import { OidcIssuer } from '../rig/oidc-issuer.ts';
import { ServerProcess, TEST_TOKEN } from '../rig/server-process.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
import { type Files, TempWorkspace } from '../rig/temp-workspace.ts';
import { until } from '../rig/until.ts';

const AUDIENCE = 'https://cache.example';
const MAIN = {
  aud: AUDIENCE,
  sub: 'main',
  repository_id: '4711',
  ref: 'refs/heads/main',
  event_name: 'push',
};
const PULL = { ...MAIN, sub: 'pull', ref: 'refs/pull/7/merge', event_name: 'pull_request' };

function rules(issuer: string): string {
  return [
    'oidc:',
    `  - issuer: ${issuer}`,
    `    audience: ${AUDIENCE}`,
    '    rules:',
    '      - { when: { repository_id: 4711, ref: refs/heads/main, event_name: push }, preset: main }',
    '      - { when: { repository_id: 4711 }, preset: pull-request, write: "pr-{ref}" }',
    '',
  ].join('\n');
}

async function open() {
  const folder = await openTempFolder();
  const issuer = await OidcIssuer.start();
  const file = join(folder.path, 'tokens.yml');
  writeFileSync(file, rules(issuer.url));
  const server = await ServerProcess.start({
    VC_LOCAL_ROOT: join(folder.path, 'store'),
    VC_AUTH_TOKEN: TEST_TOKEN,
    VC_AUTH_TOKENS_FILE: file,
  });
  const ask = async (token: string, hash: string, action: string) => {
    const reply = await postNegotiate(server.url, { hash, action }, token);
    return { ...((await reply.json()) as NegotiateReply), code: reply.status };
  };
  return {
    issuer,
    server,
    file,
    ask,
    statusOf: async (token: string) => (await ask(token, freshHash(), 'download')).code,
    async exchange(token: unknown) {
      const reply = await fetch(server.url + EXCHANGE_PATH, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      });
      return { ...((await reply.json()) as ExchangeReply), code: reply.status, headers: reply.headers };
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await issuer[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function freshHash(): string {
  return digestOf(randomBytes(16));
}

test('what a pull request’s job uploads is read by its own kind, never by main’s job', async () => {
  await using opened = await open();
  const [main, pull] = [await opened.issuer.sign(MAIN), await opened.issuer.sign(PULL)];
  const hash = freshHash();
  const asked = await opened.ask(pull, hash, 'upload');
  assert.ok(asked.status === 'upload_needed');
  const sent = await fetch(asked.url, { method: 'PUT', headers: asked.headers, body: 'POISON' });
  assert.equal(sent.status, 201);
  assert.match(
    new URL(asked.url).pathname,
    /\/tenants\/default\/pr-refs-pull-7-merge-[0-9a-f]{12}\/objects\//,
  );
  assert.equal((await opened.ask(pull, hash, 'download')).status, 'found');
  assert.equal((await opened.ask(main, hash, 'download')).status, 'missing');
  assert.equal((await opened.ask(main, hash, 'upload')).status, 'upload_needed');
  const another = await opened.issuer.sign({ ...PULL, ref: 'refs/pull/8/merge' });
  assert.equal((await opened.ask(another, hash, 'download')).status, 'missing');
});

test('a token is exchanged for one that opens the same for an hour', async () => {
  await using opened = await open();
  const { code, headers, token, expires, tenant, writeScope, readScopes } = await opened.exchange(
    await opened.issuer.sign(PULL),
  );
  assert.equal(code, 200);
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.match(token, /^vc_oidc_/);
  assert.ok(Math.abs(Date.parse(expires ?? '') - Date.now() - 3600_000) < 60_000, String(expires));
  assert.equal(tenant, 'default');
  assert.match(writeScope ?? '', /^pr-/);
  assert.deepEqual(readScopes, ['main', writeScope]);
  assert.equal(await opened.statusOf(token), 200);
});

test('what is no right token of a known issuer is exchanged for nothing', async () => {
  await using opened = await open();
  await using stranger = await OidcIssuer.start();
  for (const token of [
    await opened.issuer.sign({ ...MAIN, aud: 'https://other.example' }),
    await opened.issuer.sign({ ...MAIN, repository_id: '4712' }),
    await stranger.sign(MAIN),
    TEST_TOKEN,
  ]) {
    assert.equal((await opened.exchange(token)).code, 401);
    if (token !== TEST_TOKEN) assert.equal(await opened.statusOf(token), 401);
  }
  for (const token of [undefined, 5, {}]) assert.equal((await opened.exchange(token)).code, 400);
  assert.deepEqual(stranger.asked, [], 'an issuer that is not configured is never asked for anything');
});

test('a rule that is taken out of the file opens nothing any more, for exchanged tokens either', async () => {
  await using opened = await open();
  const issued = await opened.issuer.sign(MAIN);
  const { token } = await opened.exchange(issued);
  writeFileSync(opened.file, rules(opened.issuer.url).replaceAll('4711', '4712'));
  await until(async () => (await opened.statusOf(issued)) === 401);
  assert.equal(await opened.statusOf(token), 401);
  assert.equal(await opened.statusOf(TEST_TOKEN), 200);
});

test('while the issuer is away its tokens are told to come again, and all others work', async () => {
  await using opened = await open();
  const issued = await opened.issuer.sign(MAIN);
  const { token } = await opened.exchange(issued);
  const away = await OidcIssuer.start();
  const lost = await away.sign(MAIN);
  writeFileSync(opened.file, `${rules(opened.issuer.url)}${rules(away.url).replace('oidc:\n', '')}`);
  await away[Symbol.asyncDispose]();
  await until(async () => (await opened.statusOf(lost)) === 503);
  for (const other of [issued, token, TEST_TOKEN]) assert.equal(await opened.statusOf(other), 200);
});

test('no token is in the log, and who asked is', async () => {
  await using opened = await open();
  const issued = await opened.issuer.sign(MAIN);
  const { token } = await opened.exchange(issued);
  await opened.statusOf(token);
  await opened.statusOf(issued);
  const named = () => opened.server.log.filter(({ tokenId }) => tokenId === `${opened.issuer.url} main`);
  await until(async () => named().length === 3);
  const text = JSON.stringify(opened.server.log);
  for (const secret of [issued, token]) assert.ok(!text.includes(secret.split('.')[2] ?? secret));
});

const WORKSPACE: Files = {
  'velocity.yml': [
    'version: 1',
    'remote: { url: "${GATEWAY}", audience: https://cache.example }',
    'pipeline: { build: { outputs: ["dist/**"] } }',
    '',
  ].join('\n'),
  'package.json': { name: 'root', private: true, workspaces: ['packages/*'] },
  '.gitignore': 'dist\n.velocity\n',
  'packages/app/package.json': {
    name: 'app',
    scripts: { build: 'mkdir -p dist && echo "$BUILDER" > dist/app.js' },
  },
};

/** A build on a machine of its own; what it made or took from the cache, and what it said. */
async function build(env: Readonly<Record<string, string>>, BUILDER: string) {
  await using workspace = await TempWorkspace.open(WORKSPACE);
  const result = await velocity(['run', 'build'], { cwd: workspace.root, env: { ...env, BUILDER } });
  assert.equal(result.exitCode, 0, result.stderr);
  return { output: workspace.read('packages/app/dist/app.js').trim(), stderr: result.stderr };
}

test('a job without any token is let in by what it is: no secret is kept anywhere', async () => {
  await using opened = await open();
  const GATEWAY = opened.server.url;
  const job = (claims: Readonly<Record<string, unknown>>): Record<string, string> => {
    opened.issuer.jobClaims = claims;
    return { GATEWAY, ...opened.issuer.jobEnv };
  };
  assert.equal((await build(job(PULL), 'a pull request')).output, 'a pull request');
  assert.equal((await build(job(MAIN), 'main')).output, 'main');
  const another = await build(job(PULL), 'another pull request');
  assert.equal(another.output, 'main', another.stderr);
  assert.doesNotMatch(another.stderr, /warning/);
});

test('a job that no rule fits, or that may have no identity, builds and says so once', async () => {
  await using opened = await open();
  const GATEWAY = opened.server.url;
  opened.issuer.jobClaims = { ...MAIN, repository_id: '1' };
  const stranger = await build({ GATEWAY, ...opened.issuer.jobEnv }, 'a stranger');
  assert.equal(stranger.output, 'a stranger');
  assert.equal(stranger.stderr.match(/answered 401 to the token of this job/g)?.length, 1, stranger.stderr);
  const fork = await build({ GATEWAY }, 'a fork');
  assert.equal(fork.output, 'a fork');
  assert.equal(fork.stderr.match(/there is no token/g)?.length, 1, fork.stderr);
});

test('velocity token exchange prints a token for tools that take one', async () => {
  await using opened = await open();
  await using folder = await openTempFolder();
  opened.issuer.jobClaims = MAIN;
  const args = ['token', 'exchange', '--url', opened.server.url, '--audience', AUDIENCE];
  const made = await velocity(args, { cwd: folder.path, env: opened.issuer.jobEnv });
  assert.deepEqual([made.exitCode, made.stderr], [0, '']);
  assert.equal(await opened.statusOf(made.stdout.trim()), 200);
  const none = await velocity(args, { cwd: folder.path });
  assert.notEqual(none.exitCode, 0);
  assert.match(
    none.stderr,
    /This job has no identity token\. In GitHub Actions it needs "permissions: id-token: write"/,
  );
});
