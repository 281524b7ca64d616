/** Jobs of a CI system with tokens of its issuer, as a running server takes them. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../../src/base/digest.ts';
import { EXCHANGE_PATH, type ExchangeReply } from '../../src/wire/exchange.ts';
import type { NegotiateReply } from '../../src/wire/negotiate.ts';
import { postNegotiate } from '../rig/negotiate.ts';
import { OidcIssuer } from '../rig/oidc-issuer.ts';
import { ServerProcess, TEST_TOKEN } from '../rig/server-process.ts';
import { openTempFolder } from '../rig/temp-folder.ts';
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
  const { code, headers, token, expires, tenant, write, read } = await opened.exchange(
    await opened.issuer.sign(PULL),
  );
  assert.equal(code, 200);
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.match(token, /^vc_oidc_/);
  assert.ok(Math.abs(Date.parse(expires) - Date.now() - 3600_000) < 60_000, expires);
  assert.equal(tenant, 'default');
  assert.match(write ?? '', /^pr-/);
  assert.deepEqual(read, ['main', write]);
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
