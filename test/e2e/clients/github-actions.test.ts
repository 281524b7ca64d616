/** The real `@actions/cache`, unmodified, with this server as its cache service. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ActionsJob, complaints } from '../../rig/actions-job.ts';
import { Azurite } from '../../rig/azurite.ts';
import { call, create, download, finalize, save, sendWhole } from '../../rig/cache-service.ts';
import { newToken } from '../../rig/new-token.ts';
import { OidcIssuer } from '../../rig/oidc-issuer.ts';
import { ServerProcess, TEST_TOKEN } from '../../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';
import { openTestS3, s3GatewayEnv } from '../../rig/test-s3.ts';

/** Above it the library sends in blocks of 64 MiB, eight at once. */
const SINGLE_PUT_BYTES = 128 * 1024 * 1024;

const s3 = await openTestS3();
const s3Skip = 'skip' in s3 ? s3.skip : false;
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));

let folder: TempFolder;
let azurite: Azurite;
before(async () => {
  folder = await openTempFolder();
  azurite = await Azurite.start();
});
after(async () => {
  await azurite[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function filesBelow(root: string, under: string): string[] {
  return globSync(`store-v1/${under}/**/*.blob`, { cwd: join(folder.path, root) });
}

function describeActions(
  name: string,
  skip: string | false,
  storage: () => Promise<Record<string, string>>,
): void {
  describe(`@actions/cache with the storage ${name}`, { skip }, () => {
    let server: ServerProcess;
    let second: ServerProcess;
    before(async () => {
      const env = await storage();
      server = await ServerProcess.start(env);
      second = await ServerProcess.start(env);
    });
    after(() => Promise.all([server, second].map((each) => each[Symbol.asyncDispose]())));

    test('what one job saved, another restores: a miss, a save, a hit', async () => {
      const content = randomBytes(100_000);
      await using saving = await ActionsJob.open(server.url, TEST_TOKEN, content);
      await using restoring = await ActionsJob.open(server.url);
      assert.equal((await restoring.restore('linux-a1')).answer, null);
      const saved = await saving.save('linux-a1');
      assert.deepEqual(complaints(saved), []);
      assert.ok(Number(saved.answer) > 0, saved.output);
      const restored = await restoring.restore('linux-a1');
      assert.equal(restored.answer, 'linux-a1', restored.output);
      assert.deepEqual(restoring.content, content);
    });

    test('blocks may come in any order and to any server, and are put together as listed', async () => {
      const url = await create(server.url, 'blocks');
      const elsewhere = url.replace(server.url, second.url);
      const ids = ['one', 'two', 'six'].map((id) => Buffer.from(id).toString('base64'));
      const send = (query: string, body: string, to = url): Promise<Response> =>
        fetch(`${to}&${query}`, { method: 'PUT', body });
      for (const [id, body] of [
        [ids[2], '3'],
        [ids[0], '1'],
        [ids[1], '2'],
      ] as const) {
        const sent = await send(`comp=block&blockid=${encodeURIComponent(id ?? '')}`, body, elsewhere);
        assert.equal(sent.status, 201);
        assert.ok(sent.headers.get('x-ms-request-id'));
      }
      const list = ids.map((id) => `<Uncommitted>${id}</Uncommitted>`).join('\n');
      assert.equal((await send('comp=blocklist', `<BlockList>${list}</BlockList>`)).status, 201);
      assert.equal(await download(server.url, 'blocks'), undefined);
      assert.equal((await finalize(second.url, 'blocks', '3')).body['ok'], true);
      assert.equal(await download(server.url, 'blocks'), '123');
    });

    test('of 8 uploads of one key through two servers one is kept, whole', async () => {
      const bodies = Array.from({ length: 8 }, (_, index) => `body ${index} `.repeat(1_000));
      const urls = await Promise.all(
        bodies.map((_, index) => create(index % 2 ? server.url : second.url, 'race')),
      );
      await Promise.all(urls.map((url, index) => sendWhole(url, bodies[index] ?? '')));
      const finalized = await Promise.all(
        bodies.map((body, index) => finalize(index % 2 ? second.url : server.url, 'race', body.length)),
      );
      assert.deepEqual(new Set(finalized.map(({ body }) => body['ok'])), new Set([true]));
      assert.ok(bodies.includes((await download(server.url, 'race')) ?? ''));
    });
  });
}

describeActions('local', false, async () => ({ VC_LOCAL_ROOT: join(folder.path, 'local') }));
describeActions('Ceph radosgw', s3Skip, () => s3GatewayEnv(s3));
describeActions('azurite', false, () => azurite.gatewayEnv());

describe('the service that GitHub’s library is given', () => {
  let server: ServerProcess;
  before(async () => {
    server = await ServerProcess.start({ VC_LOCAL_ROOT: join(folder.path, 'service') });
  });
  after(() => server[Symbol.asyncDispose]());

  test('what is larger than one request comes in blocks, and nothing but the entry is left of it', async () => {
    const content = randomBytes(SINGLE_PUT_BYTES + 12_345_678);
    await using job = await ActionsJob.open(server.url, TEST_TOKEN, content);
    assert.deepEqual(complaints(await job.save('large')), []);
    assert.equal((await job.restore('large')).answer, 'large');
    assert.ok(job.content.equals(content));
    assert.deepEqual(filesBelow('service', 'uploads'), []);
  });

  test('without the key the newest entry that begins like it is taken, then that of each restore key', async () => {
    await using job = await ActionsJob.open(server.url, TEST_TOKEN, 'x');
    for (const key of ['os-2-old', 'os-1-new']) await job.save(key);
    assert.equal((await job.restore('os-')).answer, 'os-1-new');
    assert.equal((await job.restore('none', 'mac-', 'os-2')).answer, 'os-2-old');
  });

  test('a key that is stored is not stored again: the library says so, and goes on', async () => {
    await using first = await ActionsJob.open(server.url, TEST_TOKEN, 'first');
    await using second = await ActionsJob.open(server.url, TEST_TOKEN, 'second');
    await first.save('once');
    const again = await second.save('once');
    assert.equal(again.answer, -1);
    assert.match(again.output, /^Failed to save: Unable to reserve cache with key once/m);
    assert.doesNotMatch(again.output, /::(warning|error)::/);
    await first.restore('once');
    assert.equal(first.content.toString(), 'first');
  });
});

test('a pull request reads what main saved, and main never what a pull request saved (A1)', async () => {
  const file = join(folder.path, 'creep.yml');
  const main = await newToken(file, 'main');
  const pullRequest = await newToken(file, 'pull-request', '--scope', 'pr-7');
  await using server = await ServerProcess.start({
    VC_LOCAL_ROOT: join(folder.path, 'creep'),
    VC_AUTH_TOKENS_FILE: file,
  });
  await using attacker = await ActionsJob.open(server.url, pullRequest, 'POISON');
  await using victim = await ActionsJob.open(server.url, main, 'good');
  assert.ok(Number((await attacker.save('deps-1')).answer) > 0);
  // Neither by its key nor by its beginning.
  assert.equal((await victim.restore('deps-1', 'deps-', 'd')).answer, null);
  victim.workspace.write({ 'modules/a.bin': 'good' });
  assert.ok(Number((await victim.save('deps-1')).answer) > 0);
  await victim.restore('deps-1', 'deps-');
  assert.equal(victim.content.toString(), 'good');
  // What main wrote goes before what the pull request wrote, even for itself.
  await attacker.restore('deps-1');
  assert.equal(attacker.content.toString(), 'good');
  // An upload of the one cannot be finalized by the other.
  await sendWhole(await create(server.url, 'split', pullRequest), 'POISON');
  assert.equal((await finalize(server.url, 'split', 6, main)).body['ok'], false);
  assert.equal(await download(server.url, 'split', main), undefined);
});

test('the scope comes of what the issuer says of the job, where its own token is sent', async () => {
  await using issuer = await OidcIssuer.start();
  const file = join(folder.path, 'jobs.yml');
  writeFileSync(
    file,
    `oidc:
  - issuer: ${issuer.url}
    audience: cache
    rules:
      - when: { repository_id: 7, ref: refs/heads/main }
        preset: main
      - when: { repository_id: 7 }
        preset: pull-request
        write: pr-{ref}
`,
  );
  await using server = await ServerProcess.start({
    VC_LOCAL_ROOT: join(folder.path, 'jobs'),
    VC_AUTH_TOKENS_FILE: file,
  });
  const token = (ref: string): Promise<string> =>
    issuer.sign({ sub: `repo:acme/web:${ref}`, aud: 'cache', repository_id: '7', ref });
  const main = await token('refs/heads/main');
  const [one, two] = [await token('refs/pull/1/merge'), await token('refs/pull/2/merge')];
  await using job = await ActionsJob.open(server.url, one, 'one');
  assert.ok(Number((await job.save('jobs-one')).answer) > 0);
  assert.equal((await job.restore('jobs-one')).answer, 'jobs-one');
  await save(server.url, 'of-main', 'main', main);
  await save(server.url, 'of-one', 'one', one);
  for (const [reader, key, found] of [
    [one, 'of-one', 'one'],
    [one, 'of-main', 'main'],
    [two, 'of-one', undefined],
    [main, 'of-one', undefined],
  ] as const)
    assert.equal(await download(server.url, key, reader), found);
  // What main holds a pull request is not let store once more: it would read main's all the same.
  const again = await call(server.url, 'CreateCacheEntry', { key: 'of-main', version: 'v' }, two);
  assert.equal(again.status, 409);
});

test('a token that only reads restores; the library warns that it may not save, and the step passes', async () => {
  const file = join(folder.path, 'readers.yml');
  const reader = await newToken(file, 'developer');
  await using server = await ServerProcess.start({
    VC_LOCAL_ROOT: join(folder.path, 'readers'),
    VC_AUTH_TOKENS_FILE: file,
  });
  await using writing = await ActionsJob.open(server.url, TEST_TOKEN, 'x');
  await using reading = await ActionsJob.open(server.url, reader, 'y');
  const refused = await reading.save('read-only');
  assert.equal(refused.answer, -1);
  assert.equal(refused.output.match(/^::warning::/gm)?.length, 1);
  assert.match(refused.output, /::warning::Failed to save: .*cache write denied: this token has no scope/);
  await writing.save('read-only');
  assert.equal((await reading.restore('read-only')).answer, 'read-only');
});

test('an unknown token, a server that is gone, a damaged entry: a miss, and the step passes', async () => {
  const root = join(folder.path, 'faults');
  const server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
  await using job = await ActionsJob.open(server.url, TEST_TOKEN, 'x'.repeat(1000));
  await using stranger = await ActionsJob.open(server.url, 'unknown');
  await job.save('faults');
  assert.equal((await stranger.restore('faults')).answer, null);
  const [entry = ''] = filesBelow('faults', 'github-actions');
  const path = join(root, entry);
  const bytes = readFileSync(path);
  bytes[10] = (bytes[10] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  assert.equal((await job.restore('faults')).answer, null);
  job.workspace.write({ 'modules/a.bin': 'healed' });
  assert.ok(Number((await job.save('faults')).answer) > 0);
  assert.equal((await job.restore('faults')).answer, 'faults');
  await server[Symbol.asyncDispose]();
  assert.equal((await job.restore('faults')).answer, null);
});

test('a storage that fails: a restore misses without a word, a save warns, neither tries for long', async () => {
  const root = join(folder.path, 'broken');
  await using server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
  await using job = await ActionsJob.open(server.url, TEST_TOKEN, 'x');
  rmSync(join(root, 'store-v1'), { recursive: true });
  writeFileSync(join(root, 'store-v1'), 'no folder');
  const restored = await job.restore('broken');
  assert.deepEqual([restored.answer, complaints(restored)], [null, []]);
  job.workspace.write({ 'modules/a.bin': 'x' });
  const saved = await job.save('broken');
  assert.equal(saved.answer, -1);
  assert.match(saved.output, /::warning::/);
  assert.doesNotMatch(saved.output, /Retrying/);
});
