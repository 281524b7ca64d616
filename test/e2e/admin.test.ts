/** What only an admin may do: take entries away or replace them, and every time it is written down (A20). */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { digestOf } from '../../src/base/digest.ts';
import type { NegotiateReply } from '../../src/wire/negotiate.ts';
import { Azurite } from '../rig/azurite.ts';
import { velocity } from '../rig/cli.ts';
import { postNegotiate } from '../rig/negotiate.ts';
import { newToken } from '../rig/new-token.ts';
import { ServerProcess } from '../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';
import { openTestS3, s3GatewayEnv } from '../rig/test-s3.ts';

const PRESETS = ['admin', 'main', 'pull-request', 'developer'] as const;
type Preset = (typeof PRESETS)[number];
interface AuditLine {
  readonly who: string;
  readonly action: string;
  readonly key: string;
  readonly result: string;
  readonly address: string;
  readonly requestId: string;
}

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

function freshHash(): string {
  return digestOf(randomBytes(16));
}

function describeAdmin(
  name: string,
  skip: string | false,
  storage: () => Promise<Record<string, string>>,
): void {
  describe(`an admin on ${name}`, { skip }, () => {
    let server: ServerProcess;
    let tokens: Readonly<Record<Preset | 'other-tenant', string>>;
    const auditFile = (): string => join(folder.path, `${name}.audit.jsonl`);
    before(async () => {
      const file = join(folder.path, `${name}.yml`);
      tokens = {
        admin: await newToken(file, 'admin'),
        main: await newToken(file, 'main'),
        'pull-request': await newToken(file, 'pull-request'),
        developer: await newToken(file, 'developer'),
        'other-tenant': await newToken(file, 'admin', '--tenant', 'other'),
      };
      server = await ServerProcess.start({
        ...(await storage()),
        VC_AUTH_TOKEN: '',
        VC_AUTH_TOKENS_FILE: file,
        VC_AUDIT_FILE: auditFile(),
      });
    });
    after(() => server[Symbol.asyncDispose]());

    const idOf = (token: string): string => token.split('_')[1] ?? '';
    const audited = (hash: string): AuditLine[] =>
      readFileSync(auditFile(), 'utf8')
        .split('\n')
        .filter((line) => line.includes(hash))
        .map((line) => JSON.parse(line) as AuditLine);
    const results = (hash: string): string[] =>
      audited(hash).map(({ who, action, result }) => `${who} ${action} ${result}`);

    const ask = async (token: string, item: object): Promise<NegotiateReply & { code?: string }> =>
      (await (await postNegotiate(server.url, item, token)).json()) as NegotiateReply & { code?: string };
    const put = async (answer: NegotiateReply, body: string): Promise<number> => {
      assert.ok(answer.status === 'upload_needed', JSON.stringify(answer));
      const sent = await fetch(answer.url, { method: 'PUT', headers: answer.headers, body });
      await sent.arrayBuffer();
      return sent.status;
    };
    const store = async (token: string, hash: string, body: string): Promise<void> => {
      const answer = await ask(token, { hash, action: 'upload', ...told(body) });
      assert.ok((await put(answer, body)) < 300);
    };
    const read = async (token: string, hash: string): Promise<string | undefined> => {
      const answer = await ask(token, { hash, action: 'download' });
      return answer.status === 'found' ? (await fetch(answer.url)).text() : undefined;
    };
    const told = (body: string) => ({ digest: digestOf(body), size: Buffer.byteLength(body) });
    const remove = async (hash: string, token?: string, query = ''): Promise<number> => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const reply = await fetch(`${server.url}/v1/entries/${hash}${query}`, { method: 'DELETE', headers });
      await reply.arrayBuffer();
      return reply.status;
    };

    test('an entry that an admin deletes is gone, and its key can be stored anew', async () => {
      const hash = freshHash();
      await store(tokens.main, hash, 'bad');
      assert.equal(await remove(hash, tokens.admin), 204);
      assert.equal(await read(tokens.main, hash), undefined);
      await store(tokens.main, hash, 'good');
      assert.equal(await read(tokens.main, hash), 'good');
      const id = idOf(tokens.admin);
      assert.deepEqual(results(hash), [`${id} delete begun`, `${id} delete done`]);
      assert.equal(await remove(freshHash(), tokens.admin), 404);
    });

    test('nobody else deletes, and every try of somebody known is written down', async () => {
      const hash = freshHash();
      await store(tokens.main, hash, 'good');
      assert.equal(await remove(hash), 401);
      assert.equal(await remove(hash, 'unknown'), 401);
      const others = [tokens.main, tokens['pull-request'], tokens.developer];
      for (const token of others) assert.equal(await remove(hash, token), 403);
      assert.equal(await read(tokens.main, hash), 'good');
      assert.deepEqual(
        results(hash),
        others.map((token) => `${idOf(token)} delete refused`),
      );
    });

    test('an admin reaches every scope of its tenant, and none of another', async () => {
      const hash = freshHash();
      await store(tokens['pull-request'], hash, 'of a pull request');
      await store(tokens['other-tenant'], hash, 'of another tenant');
      assert.equal(await remove(hash, tokens.admin), 404, 'main holds none');
      assert.equal(await remove(hash, tokens.admin, '?scope=pull-request'), 204);
      assert.equal(await read(tokens['pull-request'], hash), undefined);
      assert.equal(await read(tokens['other-tenant'], hash), 'of another tenant');
    });

    test('what is no hash or no scope is refused, and so is every other way in', async () => {
      const hash = freshHash();
      for (const wrong of ['x', `${hash}0`, '..%2f..%2fetc', `${hash}%00`])
        assert.equal(await remove(wrong, tokens.admin), 400, wrong);
      for (const query of ['?scope=', '?scope=../main', '?scope=main&scope=main', '?scope=Main'])
        assert.equal(await remove(hash, tokens.admin, query), 400, query);
      const headers = { authorization: `Bearer ${tokens.admin}` };
      for (const [method, path, status] of [
        ['DELETE', `/v1/proxy/blob/objects/${hash}`, 405],
        ['GET', `/v1/entries/${hash}`, 405],
        ['DELETE', '/v1/entries/', 400],
      ] as const) {
        const reply = await fetch(server.url + path, { method, headers });
        await reply.arrayBuffer();
        assert.equal(reply.status, status, `${method} ${path}`);
      }
    });

    test('an admin replaces an entry in one step, nobody else does, and it is written down', async () => {
      const hash = freshHash();
      await store(tokens.main, hash, 'bad');
      for (const preset of ['main', 'pull-request', 'developer'] as const)
        assert.equal(
          (await ask(tokens[preset], { hash, action: 'replace', ...told('x') })).code,
          'FORBIDDEN',
        );
      const answer = await ask(tokens.admin, { hash, action: 'replace', ...told('good') });
      assert.equal(await read(tokens.main, hash), 'bad', 'until the bytes are there');
      assert.ok((await put(answer, 'good')) < 300);
      assert.equal(await read(tokens.main, hash), 'good');
      const [key, ...otherKeys] = new Set(audited(hash).map((line) => line.key));
      assert.deepEqual(
        [key, otherKeys.length],
        [`objects/${hash}`, 2],
        'the pull request’s own, and no scope',
      );
      assert.equal(results(hash).at(-1), `${idOf(tokens.admin)} replace granted`);
    });

    test('a replacement without digest and size, or one of many in a batch, is refused', async () => {
      const hash = freshHash();
      const { digest, size } = told('x');
      for (const item of [
        { hash, action: 'replace' },
        { hash, action: 'replace', digest },
        { hash, action: 'replace', size },
        { items: [{ hash, action: 'replace', digest, size }] },
      ])
        assert.equal((await ask(tokens.admin, item)).code, 'BAD_REQUEST');
    });

    test('what cannot be written down is not done', async () => {
      const hash = freshHash();
      await store(tokens.main, hash, 'good');
      const earlier = readFileSync(auditFile());
      rmSync(auditFile());
      mkdirSync(auditFile());
      try {
        assert.equal(await remove(hash, tokens.admin), 503);
        const asked = await ask(tokens.admin, { hash, action: 'replace', ...told('x') });
        assert.equal(asked.code, 'AUDIT_UNAVAILABLE');
      } finally {
        rmSync(auditFile(), { recursive: true });
      }
      assert.equal(await read(tokens.main, hash), 'good');
      assert.ok(earlier.length > 0);
    });

    test('no token is in the audit log', async () => {
      const hash = freshHash();
      await remove(hash, tokens.admin);
      assert.ok(existsSync(auditFile()));
      const text = readFileSync(auditFile(), 'utf8');
      for (const token of Object.values(tokens)) assert.ok(!text.includes(token.slice(-43)));
      const [line] = audited(hash);
      assert.match(line?.address ?? '', /127\.0\.0\.1/);
      assert.match(line?.requestId ?? '', /^[0-9a-f-]{36}$/);
    });
  });
}

describeAdmin('local', false, async () => ({ VC_LOCAL_ROOT: join(folder.path, 'store') }));
describeAdmin('s3', s3Skip, () => s3GatewayEnv(s3));
describeAdmin('azurite', false, () => azurite.gatewayEnv());

test('a server whose audit log cannot be written does not start, and says why', async () => {
  const result = await velocity(['serve', '--port', '0', '--audit-file', folder.path], {
    cwd: folder.path,
    env: { VC_AUTH_TOKEN: 'any-token' },
  });
  assert.notEqual(result.exitCode, 0);
  assert.match(result.stderr, /The audit log .* cannot be written: EISDIR/);
});

test('what an operator removes from the storage itself is written down under the operator’s name', async () => {
  const env = {
    VC_LOCAL_ROOT: join(folder.path, 'store'),
    VC_AUDIT_FILE: join(folder.path, 'cli.audit.jsonl'),
  };
  const hash = freshHash();
  const gone = await velocity(['cache', 'rm', hash], { cwd: folder.path, env });
  assert.equal(gone.exitCode, 1);
  const lines = readFileSync(env.VC_AUDIT_FILE, 'utf8').trim().split('\n');
  const [first, last] = lines.map((line) => JSON.parse(line) as AuditLine);
  assert.deepEqual([first?.result, last?.result, lines.length], ['begun', 'absent', 2]);
  assert.match(first?.who ?? '', /^cli /);
  assert.equal(first?.key, `objects/${hash}`);
});
