/** The real wireit, unmodified, with this server behind TLS as its cache service of GitHub. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { globSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { runTool } from '../../rig/build-tool.ts';
import { buildTool } from '../../rig/build-tools.ts';
import { HttpServer } from '../../rig/http-server.ts';
import { newToken } from '../../rig/new-token.ts';
import { ServerProcess, TEST_TOKEN } from '../../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../../rig/temp-folder.ts';
import { TempWorkspace } from '../../rig/temp-workspace.ts';
import { makeTestCertificate } from '../../rig/test-certificate.ts';
import { openTestS3, s3GatewayEnv } from '../../rig/test-s3.ts';
import { TlsProxy } from '../../rig/tls-proxy.ts';

const certificate = await makeTestCertificate();
const skip = 'skip' in certificate ? certificate.skip : false;
after(() => ('skip' in certificate ? undefined : certificate[Symbol.asyncDispose]()));
const s3 = await openTestS3();
const s3Skip = 'skip' in s3 ? s3.skip : false;
after(() => ('skip' in s3 ? undefined : s3[Symbol.asyncDispose]()));

let folder: TempFolder;
let roots = 0;
before(async () => {
  folder = await openTempFolder();
});
after(() => folder[Symbol.asyncDispose]());

const freshRoot = (): string => join(folder.path, `store-${roots++}`);

interface Wireit {
  readonly url: string;
  readonly token?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const [RAN, RESTORED] = [/Executed successfully/, /Restored from cache/];

/** A package with one script, whose source no test had before. */
class Package implements AsyncDisposable {
  readonly workspace: TempWorkspace;

  private constructor(workspace: TempWorkspace) {
    this.workspace = workspace;
  }

  static async open(): Promise<Package> {
    const workspace = await TempWorkspace.open(
      {
        'package.json': {
          name: 'shop',
          scripts: { build: 'wireit' },
          wireit: {
            build: { command: 'sh build.sh', files: ['build.sh', 'source.txt'], output: ['dist/**'] },
          },
        },
        'build.sh': 'mkdir -p dist/sub && cp source.txt dist/sub/out.txt && : > dist/empty\n',
        'source.txt': randomBytes(100_000).toString('hex'),
      },
      { git: false },
    );
    symlinkSync(dirname(buildTool('wireit')), workspace.path('node_modules'));
    return new Package(workspace);
  }

  /** As on another machine; what wireit said. Whatever the cache does, the outputs must be there and right. */
  async build({ url, token = TEST_TOKEN, env }: Wireit): Promise<string> {
    const { workspace } = this;
    workspace.remove('dist', '.wireit');
    const { exitCode, output } = await runTool(process.execPath, ['--run', 'build'], {
      cwd: workspace.root,
      env: {
        WIREIT_CACHE: 'github',
        WIREIT_LOGGER: 'simple',
        ...('skip' in certificate ? {} : { NODE_EXTRA_CA_CERTS: certificate.certificatePath }),
        ...(env ?? { ACTIONS_RESULTS_URL: `${url}/`, ACTIONS_RUNTIME_TOKEN: token }),
      },
    });
    assert.equal(exitCode, 0, output);
    assert.equal(workspace.read('dist/sub/out.txt'), workspace.read('source.txt'));
    assert.equal(workspace.read('dist/empty'), '');
    return output;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.workspace[Symbol.asyncDispose]();
  }
}

async function behindTls(server: ServerProcess): Promise<TlsProxy> {
  if ('skip' in certificate) throw new Error(certificate.skip);
  return TlsProxy.start(certificate, server.url);
}

describe('wireit', { skip }, () => {
  let server: ServerProcess;
  let proxy: TlsProxy;
  let readOnlyToken: string;
  before(async () => {
    const file = join(folder.path, 'tokens.yml');
    readOnlyToken = await newToken(file, 'developer');
    server = await ServerProcess.start({ VC_LOCAL_ROOT: freshRoot(), VC_AUTH_TOKENS_FILE: file });
    proxy = await behindTls(server);
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  for (const [what, path] of [
    ['at the root', ''],
    ['below its tenant', '/t/default'],
  ] as const)
    test(`what one machine built, another takes from the cache: ${what}`, async () => {
      await using built = await Package.open();
      const url = proxy.url + path;
      assert.match(await built.build({ url }), RAN);
      const again = await built.build({ url });
      assert.match(again, RESTORED);
      assert.doesNotMatch(again, RAN);
    });

  test('the address and the token may come of a custodian, as google/wireit@setup-github-cache starts one', async () => {
    const github = { ACTIONS_RESULTS_URL: `${proxy.url}/`, ACTIONS_RUNTIME_TOKEN: TEST_TOKEN };
    await using custodian = await HttpServer.start((_request, response) =>
      response.end(JSON.stringify({ caching: { github } })),
    );
    await using built = await Package.open();
    const env = { WIREIT_CACHE_GITHUB_CUSTODIAN_PORT: new URL(custodian.url).port };
    for (const expected of [RAN, RESTORED])
      assert.match(await built.build({ url: proxy.url, env }), expected);
  });

  test('a token that only reads stores nothing, and takes what is there', async () => {
    await using built = await Package.open();
    for (const [token, expected] of [
      [readOnlyToken, RAN],
      [TEST_TOKEN, RAN],
      [readOnlyToken, RESTORED],
    ] as const)
      assert.match(await built.build({ url: proxy.url, token }), expected);
  });

  test('a token that is unknown, or of another tenant: the script runs, without a word', async () => {
    await using built = await Package.open();
    await built.build({ url: proxy.url });
    for (const wireit of [{ url: proxy.url, token: 'unknown' }, { url: `${proxy.url}/t/other` }]) {
      const output = await built.build(wireit);
      assert.match(output, RAN);
      assert.doesNotMatch(output, /cache service/);
    }
  });

  test('a server that is away, or a proxy before nothing: the script runs', async () => {
    await using gone = await behindTls(server);
    gone.upstream = 'http://127.0.0.1:1';
    await using built = await Package.open();
    assert.match(await built.build({ url: gone.url }), RAN);
    await gone[Symbol.asyncDispose]();
    const output = await built.build({ url: gone.url });
    assert.match(output, /Network error from GitHub Actions cache service/);
    assert.match(output, RAN);
  });

  test('damage is found before wireit is told of an entry: the script runs, as where the storage fails (F10)', async () => {
    const root = freshRoot();
    await using server = await ServerProcess.start({ VC_LOCAL_ROOT: root });
    await using proxy = await behindTls(server);
    await using built = await Package.open();
    await built.build({ url: proxy.url });
    const [entry = ''] = globSync('store-v1/github-actions/*/wireit-*.blob', { cwd: root });
    const bytes = readFileSync(join(root, entry));
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    writeFileSync(join(root, entry), bytes);
    for (const expected of [RAN, RESTORED]) assert.match(await built.build({ url: proxy.url }), expected);

    renameSync(join(root, 'store-v1'), join(root, 'away'));
    writeFileSync(join(root, 'store-v1'), 'no folder');
    assert.match(await built.build({ url: proxy.url }), RAN);
  });

  test('where the server’s own address is not https, wireit is told no other: the script runs', async () => {
    await using server = await ServerProcess.start({
      VC_LOCAL_ROOT: freshRoot(),
      VC_PUBLIC_URL: 'http://cache.example.com',
    });
    await using proxy = await behindTls(server);
    await using built = await Package.open();
    assert.match(await built.build({ url: proxy.url }), RAN);
    assert.ok(server.log.some(({ status }) => status === 400));
  });

  test('a bucket that is reached by http alone is always a miss', { skip: s3Skip }, async () => {
    await using server = await ServerProcess.start(await s3GatewayEnv(s3));
    await using proxy = await behindTls(server);
    await using built = await Package.open();
    for (let builds = 0; builds < 2; builds++) assert.match(await built.build({ url: proxy.url }), RAN);
  });
});
