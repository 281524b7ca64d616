/** The runner and the remote cache: the real gateway where all is well, a scripted one for what goes wrong. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type Digest, digestOf } from '../../src/base/digest.ts';
import type { NegotiateReply } from '../../src/wire/negotiate.ts';
import { CliProcess, type CliResult, velocity } from '../rig/cli.ts';
import { freePort } from '../rig/free-port.ts';
import { download, negotiate, upload } from '../rig/negotiate.ts';
import { type GatewayRequest, reply, ScriptedGateway } from '../rig/scripted-gateway.ts';
import { ServerProcess, TEST_TOKEN } from '../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';
import { type Files, TempWorkspace } from '../rig/temp-workspace.ts';
import { until } from '../rig/until.ts';

const FILES: Files = {
  'velocity.yml': [
    'version: 1',
    'remote:',
    '  url: ${GATEWAY}',
    '  token: ${CACHE_TOKEN}',
    '  timeout: ${REMOTE_TIMEOUT:-5s}',
    'pipeline:',
    '  build:',
    '    depends_on: ["^build"]',
    '    outputs: ["dist/**"]',
    '',
  ].join('\n'),
  'package.json': { name: 'root', private: true, workspaces: ['packages/*'] },
  '.gitignore': 'dist\n.velocity\n',
  'packages/lib/package.json': {
    name: 'lib',
    scripts: { build: 'mkdir -p dist && cp src.txt dist/ && echo built lib' },
  },
  'packages/lib/src.txt': 'lib source\n',
  'packages/app/package.json': {
    name: 'app',
    dependencies: { lib: '*' },
    scripts: { build: 'mkdir -p dist && cat ../lib/dist/src.txt src.txt > dist/all.txt && echo built app' },
  },
  'packages/app/src.txt': 'app source\n',
};

function build(
  workspace: TempWorkspace,
  url: string,
  env: Record<string, string> = {},
  ...args: string[]
): Promise<CliResult> {
  return velocity(['run', 'build', ...args], {
    cwd: workspace.root,
    env: { GATEWAY: url, CACHE_TOKEN: TEST_TOKEN, ...env },
  });
}

function wipe(workspace: TempWorkspace): void {
  workspace.remove('.velocity', 'packages/lib/dist', 'packages/app/dist');
}

function assertBuilt(workspace: TempWorkspace): void {
  assert.equal(workspace.read('packages/app/dist/all.txt'), 'lib source\napp source\n');
}

function lastLine({ stderr }: CliResult): string {
  return stderr.trim().split('\n').at(-1) ?? '';
}

describe('with a gateway', () => {
  let folder: TempFolder;
  let server: ServerProcess;
  before(async () => {
    folder = await openTempFolder();
    server = await ServerProcess.start({ VC_LOCAL_ROOT: folder.path });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test('what one machine built another restores, byte for byte, in another folder', async () => {
    await using first = await TempWorkspace.open(FILES);
    const cold = await build(first, server.url);
    assert.match(lastLine(cold), /2 tasks · 2 ran/);
    await using second = await TempWorkspace.open(FILES);
    const restored = await build(second, server.url);
    assert.match(lastLine(restored), /2 hits \(2 remote\)/, restored.stderr);
    assert.match(restored.stdout, /lib#build: built lib/);
    assertBuilt(second);
    assert.match(lastLine(await build(second, server.url)), /2 unchanged/);
    second.remove('.velocity/state-v1', 'packages/lib/dist');
    assert.match(lastLine(await build(second, server.url)), /2 local/, 'what was downloaded is kept locally');
  });

  test('the whole graph is asked for in one question', async () => {
    await using workspace = await TempWorkspace.open(FILES);
    await build(workspace, server.url);
    wipe(workspace);
    const count = (): number => server.log.filter(({ path }) => path === '/v1/negotiate').length;
    const before = count();
    await build(workspace, server.url);
    assert.equal(count() - before, 1);
  });

  test('--cache says what may be read and written', async () => {
    await using workspace = await TempWorkspace.open(FILES);
    workspace.write({ 'packages/lib/src.txt': 'only for this test\n' });
    await build(workspace, server.url, {}, '--cache=local:rw,remote:r');
    wipe(workspace);
    assert.match(lastLine(await build(workspace, server.url)), /2 ran/, 'nothing was written to the remote');
    wipe(workspace);
    assert.match(lastLine(await build(workspace, server.url, {}, '--cache=local:,remote:r')), /2 remote/);
    assert.ok(!existsSync(workspace.path('.velocity/cache')), 'and nothing locally');
    assert.match(
      lastLine(await build(workspace, server.url, { VELOCITY_CACHE: 'local:rw' }, '--force')),
      /2 ran/,
    );
    assert.match(lastLine(await build(workspace, server.url, {}, '--cache=')), /2 ran|2 hits/);
  });

  test('a token that only reads goes on reading, sends nothing, and that is no trouble', async () => {
    await using gateway = await ScriptedGateway.start((request) =>
      reply(request, { upload: { status: 'forbidden' } }),
    );
    await using workspace = await TempWorkspace.open(FILES);
    const { exitCode, stderr } = await build(workspace, gateway.url);
    assert.equal(exitCode, 0);
    assert.deepEqual(warnings(stderr), []);
    assert.equal(
      stderr.match(/the token reads and does not write, so nothing is sent there\./g)?.length,
      1,
      stderr,
    );
    assert.match(lastLine({ exitCode, stderr, stdout: '' }), /2 tasks · 2 ran/);
    assert.ok(
      gateway.requests.every(({ method }) => method === 'POST'),
      'nothing was sent',
    );
    assertBuilt(workspace);
  });

  test('an upload is recorded with the commit that is checked out, outside of git with none', async () => {
    for (const git of [true, false]) {
      await using workspace = await TempWorkspace.open(FILES, { git });
      workspace.write({ 'packages/lib/src.txt': `for provenance, git: ${git}\n` });
      const planned = await build(workspace, server.url, {}, '--dry=json');
      const { tasks } = JSON.parse(planned.stdout) as { tasks: { key: string }[] };
      const hash = tasks[0]?.key ?? '';
      assert.equal((await build(workspace, server.url)).exitCode, 0);
      const { provenance } = await negotiate(server.url, { hash, action: 'download' }, 'found');
      assert.equal(provenance?.writer, 'VC_AUTH_TOKEN');
      assert.equal(provenance.commit, git ? workspace.git('rev-parse', 'HEAD').trim() : undefined);
      const shown = await velocity(['cache', 'show', hash], {
        cwd: folder.path,
        env: { VC_LOCAL_ROOT: folder.path },
      });
      const facts = JSON.parse(shown.stdout) as Record<string, unknown>;
      assert.deepEqual([facts['provenance'], facts['metadata']], [provenance, {}]);
    }
  });

  test('--force runs everything again and the remote keeps its first', async () => {
    await using workspace = await TempWorkspace.open(FILES);
    await build(workspace, server.url);
    assert.match(lastLine(await build(workspace, server.url, {}, '--force')), /2 ran/);
  });

  test('a wrong token is one warning that says what to do, and a build', async () => {
    await using workspace = await TempWorkspace.open(FILES);
    const { exitCode, stderr } = await build(workspace, server.url, { CACHE_TOKEN: 'wrong-token' });
    assert.equal(exitCode, 0);
    assert.deepEqual(warnings(stderr).length, 1, stderr);
    assert.match(
      stderr,
      /answered 401\. The token is missing or wrong: set remote\.token in velocity\.yml, or VELOCITY_TOKEN/,
    );
    assert.ok(!stderr.includes('wrong-token'));
    assertBuilt(workspace);
  });

  test('without a token the remote is left alone, and the run says so once', async () => {
    await using workspace = await TempWorkspace.open(FILES);
    const { exitCode, stderr } = await build(workspace, server.url, { CACHE_TOKEN: '' });
    assert.equal(exitCode, 0);
    assert.match(stderr, /there is no token: set VELOCITY_TOKEN/);
    assertBuilt(workspace);
  });

  test('a remote that is asked for by name but switched off is left alone, and the run says so', async () => {
    await using workspace = await TempWorkspace.open(FILES);
    workspace.write({
      'velocity.yml': `${FILES['velocity.yml']}`.replace('remote:', 'remote:\n  enabled: false'),
    });
    const { exitCode, stderr } = await build(workspace, server.url, {}, '--cache=remote:rw');
    assert.equal(exitCode, 0);
    assert.deepEqual(warnings(stderr), [
      'warning: remote cache: remote.enabled is false in velocity.yml. Going on without it.',
    ]);
    const unasked = await build(workspace, server.url, {});
    assert.deepEqual(warnings(unasked.stderr), []);
  });

  test('an artifact damaged in the server’s storage is a miss: the task runs and the key is healed (F10)', async () => {
    await using workspace = await TempWorkspace.open(FILES);
    workspace.write({ 'packages/lib/src.txt': 'to be damaged\n' });
    await build(workspace, server.url);
    const objects = join(folder.path, 'store-v1', 'objects');
    for (const name of readdirSync(objects)) {
      const bytes = readFileSync(join(objects, name));
      bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
      writeFileSync(join(objects, name), bytes);
    }
    wipe(workspace);
    const rebuilt = await build(workspace, server.url);
    assert.equal(rebuilt.exitCode, 0);
    assert.match(lastLine(rebuilt), /2 ran/);
    wipe(workspace);
    assert.match(lastLine(await build(workspace, server.url)), /2 remote/);
  });
});

describe('an artifact that means harm (A7)', () => {
  interface Entry {
    readonly path: string;
    readonly type?: 'file' | 'link' | 'hardlink' | 'folder';
    readonly target?: string;
    readonly body?: string;
  }

  /** What the real runner stored. */
  let key = '';
  let stored: Buffer | undefined;
  before(async () => {
    await using folder = await openTempFolder();
    await using server = await ServerProcess.start({ VC_LOCAL_ROOT: folder.path });
    await using workspace = await TempWorkspace.open(FILES);
    await build(workspace, server.url);
    const dry = await build(workspace, server.url, {}, '--dry=json');
    const { tasks } = JSON.parse(dry.stdout) as { tasks: { task: string; key: string }[] };
    key = tasks.find(({ task }) => task === 'lib#build')?.key ?? '';
    stored = await download(server.url, key);
  });

  /** Puts other entries beside the outputs of what the runner stored, manifest included. */
  async function poisoned(entries: readonly Entry[]): Promise<Buffer> {
    assert.ok(stored);
    await using scratch = await openTempFolder();
    writeFileSync(join(scratch.path, 'a.tar'), zstdDecompressSync(stored));
    mkdirSync(join(scratch.path, 'x'));
    execFileSync('tar', ['-xf', '../a.tar'], { cwd: join(scratch.path, 'x') });
    const manifest = JSON.parse(readFileSync(join(scratch.path, 'x/manifest.json'), 'utf8')) as {
      outputs: unknown[];
    };
    const records = entries.map(({ path, type = 'file', target = '', body = '' }) =>
      type === 'link'
        ? { path, kind: 'link', target }
        : type === 'folder'
          ? { path, kind: 'directory', mode: 0o755 }
          : { path, kind: 'file', mode: 0o644, sizeBytes: Buffer.byteLength(body), digest: digestOf(body) },
    );
    const blocks = [
      tarEntry('manifest.json', JSON.stringify({ ...manifest, outputs: [...manifest.outputs, ...records] })),
      tarEntry('log', readFileSync(join(scratch.path, 'x/log'))),
      tarEntry('outputs/dist/src.txt', readFileSync(join(scratch.path, 'x/outputs/dist/src.txt'))),
      ...entries.map(({ path, type = 'file', target = '', body = '' }) =>
        tarEntry(`outputs/${path}`, body, type, target),
      ),
      Buffer.alloc(1024),
    ];
    return zstdCompressSync(Buffer.concat(blocks));
  }

  const attacks: Record<string, Entry[]> = {
    'an entry above the package': [{ path: '../evil.txt', body: 'x' }],
    'an absolute path': [{ path: '/tmp/velocity-evil.txt', body: 'x' }],
    'dots in the middle': [{ path: 'dist/../../evil.txt', body: 'x' }],
    'a path outside the declared outputs': [{ path: 'src.txt', body: 'x' }],
    'a link that leads out': [{ path: 'dist/link', type: 'link', target: '../../../../outside' }],
    'an absolute link': [{ path: 'dist/link', type: 'link', target: '/etc' }],
    'a file written through a link': [
      { path: 'dist/link', type: 'link', target: '..' },
      { path: 'dist/link/evil.txt', body: 'x' },
    ],
    'a chain of links': [
      { path: 'dist/a/b', type: 'link', target: '../..' },
      { path: 'dist/c', type: 'link', target: 'a/b/../..' },
      { path: 'dist/d', type: 'link', target: 'c/../../outside' },
    ],
    'a hard link': [{ path: 'dist/hard', type: 'hardlink', target: '/etc/passwd' }],
    'a name twice': [{ path: 'dist/src.txt', body: 'other' }],
    'a Windows path': [{ path: 'dist\\..\\..\\evil.txt', body: 'x' }],
    'a git hook': [{ path: 'dist/.git/hooks/pre-commit', body: 'x' }],
  };
  for (const [what, entries] of Object.entries(attacks)) {
    test(`${what}: refused before anything is written, and the task runs instead`, async () => {
      await using folder = await openTempFolder();
      const bytes = await poisoned(entries);
      await using evil = await ServerProcess.start({ VC_LOCAL_ROOT: folder.path });
      assert.equal(await upload(evil.url, key, bytes, { digest: digestOf(bytes), size: bytes.length }), 201);

      await using victim = await TempWorkspace.open(FILES);
      const done = await build(victim, evil.url);
      assert.equal(done.exitCode, 0, done.stderr);
      assert.match(done.stderr, /lib#build: The artifact (was refused|is damaged).* The task runs instead\./);
      assert.match(lastLine(done), /2 ran/);
      assertBuilt(victim);
      assert.deepEqual(readdirSync(victim.path('packages/lib/dist')), ['src.txt']);
      assert.deepEqual(readdirSync(victim.path('packages/lib')).sort(), ['dist', 'package.json', 'src.txt']);
      assert.equal(victim.read('packages/lib/src.txt'), 'lib source\n');
      assert.deepEqual(readdirSync(victim.path('packages')), ['app', 'lib']);
      assert.ok(!existsSync('/tmp/velocity-evil.txt'));
    });
  }

  test('a folder on the disk that is a link out of the workspace is not written through', async () => {
    await using folder = await openTempFolder();
    await using server = await ServerProcess.start({ VC_LOCAL_ROOT: folder.path });
    await using workspace = await TempWorkspace.open(FILES);
    await build(workspace, server.url);
    await using outside = await openTempFolder();
    await using victim = await TempWorkspace.open(FILES);
    symlinkSync(outside.path, victim.path('packages/lib/dist'));
    const done = await build(victim, server.url, {}, '--filter', 'lib');
    assert.equal(done.exitCode, 0);
    assert.equal(victim.read('packages/lib/dist/src.txt'), 'lib source\n');
    assert.deepEqual(readdirSync(outside.path), [], 'the link was replaced, what it led to was left alone');
  });
});

describe('a remote in trouble never breaks a build (F28)', () => {
  const body = Buffer.from('these are not the bytes you are looking for');
  const found = (
    url: string,
    change: Partial<NegotiateReply & { size: number; digest: Digest }> = {},
  ): NegotiateReply =>
    ({
      status: 'found',
      url,
      method: 'GET',
      size: body.length,
      digest: digestOf(body),
      ...change,
    }) as NegotiateReply;
  const isNegotiation = ({ path }: GatewayRequest): boolean => path === '/v1/negotiate';

  const cases: Record<
    string,
    { script: (request: GatewayRequest, gateway: ScriptedGateway) => void; says: RegExp }
  > = {
    'that never answers': {
      script: () => {},
      says: /(no answer for|not done after) 300 ms.*longer remote\.timeout/,
    },
    'that answers 401': {
      script: ({ json }) => json(401, {}),
      says: /\/v1\/negotiate answered 401\. The token is missing or wrong/,
    },
    'that answers 403': {
      script: ({ json }) => json(403, {}),
      says: /answered 403\. The token does not allow this/,
    },
    'that answers 404': {
      script: ({ json }) => json(404, {}),
      says: /answered 404\. Is remote\.url the gateway/,
    },
    'that answers 409': { script: ({ json }) => json(409, {}), says: /answered 409/ },
    'that answers 413': { script: ({ json }) => json(413, {}), says: /answered 413/ },
    'that answers 429': {
      script: ({ json }) => json(429, {}),
      says: /answered 429\. The gateway limits requests and bytes\. Going on/,
    },
    'that answers 429 for an hour': {
      script: ({ response }) => response.writeHead(429, { 'retry-after': '3600' }).end(),
      says: /answered 429\. The gateway limits requests and bytes, and takes the next in 1 h 00 m\. Going on/,
    },
    'that answers 500': {
      script: ({ json }) => json(500, {}),
      says: /answered 500\. The gateway’s log has more/,
    },
    'that answers 502 with HTML': {
      script: ({ response }) =>
        response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>'),
      says: /answered 502/,
    },
    'that answers 200 with HTML': {
      script: ({ response }) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Please log in</h1>'),
      says: /answered 200 with text\/html.*proxy or login page/,
    },
    'that answers with too few items': {
      script: ({ json }) => json(200, { items: [] }),
      says: /no gateway’s answer/,
    },
    'that answers JSON of something else': {
      script: ({ json }) => json(200, { items: [{ status: 'ok' }, { status: 'ok' }] }),
      says: /no gateway’s answer/,
    },
    'that redirects the question to itself': {
      script: ({ response, path }) => response.writeHead(307, { location: path }).end(),
      says: /answered 307 to http:\/\/127\.0\.0\.1:\d+\/v1\/negotiate\. Set remote\.url to the address it redirects to/,
    },
    'that cuts the connection': {
      script: ({ response }) => response.destroy(),
      says: /could not be used \((ECONNRESET|socket hang up)\)/,
    },
    'whose answer breaks off': {
      script: ({ response }) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"items":[');
        setImmediate(() => response.destroy());
      },
      says: /could not be used/,
    },
    'whose artifacts are other bytes than announced': {
      script: (request, gateway) =>
        isNegotiation(request)
          ? reply(request, { download: found(`${gateway.url}/a?sig=SECRET`) })
          : request.response.end(body.toString().toUpperCase()),
      says: /artifact at http:\/\/127\.0\.0\.1:\d+\/a is not what was announced and was not used: .*SHA-256/,
    },
    'whose artifacts are right but no artifacts': {
      script: (request, gateway) =>
        isNegotiation(request)
          ? reply(request, { download: found(`${gateway.url}/a`) })
          : request.response.end(body),
      says: /#build: The artifact is damaged: .* The task runs instead/,
    },
    'whose artifacts break off': {
      script: (request, gateway) => {
        if (isNegotiation(request)) return reply(request, { download: found(`${gateway.url}/a`) });
        request.response.writeHead(200, { 'content-length': String(body.length) });
        request.response.write(body.subarray(0, 10));
        setImmediate(() => request.response.destroy());
      },
      says: /\/a could not be used/,
    },
    'whose artifacts stall': {
      script: (request, gateway) => {
        if (isNegotiation(request)) return reply(request, { download: found(`${gateway.url}/a`) });
        request.response.writeHead(200, { 'content-length': String(body.length) });
        request.response.write(body.subarray(0, 10));
      },
      says: /\/a could not be used \(only \d+ bytes in 300 ms/,
    },
    'whose artifacts come byte by byte, with hours to go': {
      script: (request, gateway) => {
        if (isNegotiation(request))
          return reply(request, { download: found(`${gateway.url}/a`, { size: 4 * 2 ** 30 }) });
        request.response.writeHead(200, { 'content-length': String(4 * 2 ** 30) });
        const drip = setInterval(() => request.response.write('x'), 20);
        request.response.once('close', () => clearInterval(drip));
      },
      says: /\/a could not be used \(only \d+ bytes in 300 ms\)/,
    },
    'that names its artifacts by paths, and refuses them': {
      script: (request) =>
        isNegotiation(request)
          ? reply(request, { download: found('/blobs/a?sig=SECRET') })
          : request.json(500, {}),
      says: / http:\/\/127\.0\.0\.1:\d+\/blobs\/a answered 500 when downloading/,
    },
    'whose artifacts redirect in a circle': {
      script: (request, gateway) =>
        isNegotiation(request)
          ? reply(request, { download: found(`${gateway.url}/a`) })
          : request.response.writeHead(302, { location: '/a' }).end(),
      says: /\/a redirects in a circle/,
    },
    'whose artifacts are HTML': {
      script: (request, gateway) =>
        isNegotiation(request)
          ? reply(request, { download: found(`${gateway.url}/a`) })
          : request.response
              .writeHead(200, { 'content-type': 'text/html', 'content-length': '9' })
              .end('<p>no</p>'),
      says: /\/a answered 9 bytes of text\/html instead of 43/,
    },
    'whose artifacts are forbidden': {
      script: (request, gateway) =>
        isNegotiation(request)
          ? reply(request, { download: found(`${gateway.url}/a?sig=SECRET`) })
          : request.json(403, {}),
      says: /\/a answered 403 when downloading an artifact/,
    },
    'that does not know its artifacts’ digests': {
      script: (request, gateway) =>
        reply(request, { download: { status: 'found', url: `${gateway.url}/a`, method: 'GET', size: 5 } }),
      says: /does not know the digest/,
    },
    'that refuses uploads with 403': {
      script: (request, gateway) =>
        isNegotiation(request)
          ? reply(request, {
              upload: {
                status: 'upload_needed',
                url: `${gateway.url}/u?sig=SECRET`,
                method: 'PUT',
                headers: {},
              },
            })
          : request.json(403, {}),
      says: /\/u answered 403 when uploading/,
    },
    'that refuses uploads with 413': {
      script: (request, gateway) =>
        isNegotiation(request)
          ? reply(request, {
              upload: { status: 'upload_needed', url: `${gateway.url}/u`, method: 'PUT', headers: {} },
            })
          : request.json(413, {}),
      says: /\/u answered 413 when uploading .* larger than the gateway takes/,
    },
    'that fails uploads with 500': {
      script: (request, gateway) =>
        isNegotiation(request)
          ? reply(request, {
              upload: { status: 'upload_needed', url: `${gateway.url}/u`, method: 'PUT', headers: {} },
            })
          : request.json(500, {}),
      says: /\/u answered 500 when uploading/,
    },
  };

  for (const [what, { script, says }] of Object.entries(cases)) {
    test(`a gateway ${what}: the build succeeds, soon, with a warning that says so`, async () => {
      await using gateway = await ScriptedGateway.start(script);
      await using workspace = await TempWorkspace.open(FILES);
      const startedAt = performance.now();
      const { exitCode, stderr } = await build(workspace, gateway.url, { REMOTE_TIMEOUT: '300ms' });
      assert.equal(exitCode, 0, stderr);
      assert.match(stderr, says);
      assertBuilt(workspace);
      assert.ok(!stderr.includes('SECRET') && !stderr.includes(TEST_TOKEN));
      const told = warnings(stderr);
      assert.ok(
        told.length === 1 || told.every((line) => /#build:|digest|413|was announced|instead of/.test(line)),
        stderr,
      );
      assert.equal(new Set(told).size, told.length, 'nothing is said twice');
      assert.ok(performance.now() - startedAt < 20_000);
    });
  }

  test('a gateway that is down: the build succeeds with one warning that names it', async () => {
    await using workspace = await TempWorkspace.open(FILES);
    const url = `http://127.0.0.1:${await freePort()}`;
    const { exitCode, stderr } = await build(workspace, url);
    assert.equal(exitCode, 0);
    assert.deepEqual(warnings(stderr).length, 1);
    assert.match(
      stderr,
      /could not be used \(ECONNREFUSED\)\. Is the gateway running, and is remote\.url right\?/,
    );
    assertBuilt(workspace);
  });

  test('the loser of an upload race is no trouble: 412 and 409 are "already cached", and nothing is said', async () => {
    for (const status of [412, 409]) {
      await using gateway = await ScriptedGateway.start((request, { url }) =>
        isNegotiation(request)
          ? reply(request, {
              upload: {
                status: 'upload_needed',
                url: `${url}/u`,
                method: 'PUT',
                headers: { 'if-none-match': '*' },
              },
            })
          : request.json(status, {}),
      );
      await using workspace = await TempWorkspace.open(FILES);
      const { exitCode, stderr } = await build(workspace, gateway.url);
      assert.equal(exitCode, 0);
      assert.deepEqual(warnings(stderr), []);
    }
  });

  test('the loser of an upload race that a URL refuses with 403 learns from the gateway that it was one', async () => {
    let isTaken = false;
    await using gateway = await ScriptedGateway.start((request, { url }) => {
      if (isNegotiation(request)) {
        const needed = { status: 'upload_needed', url: `${url}/u`, method: 'PUT', headers: {} } as const;
        reply(request, { upload: isTaken ? { status: 'skipped' } : needed });
      } else {
        isTaken = true;
        request.json(403, {});
      }
    });
    await using workspace = await TempWorkspace.open(FILES);
    const { exitCode, stderr } = await build(workspace, gateway.url);
    assert.equal(exitCode, 0);
    assert.deepEqual(warnings(stderr), []);
    assert.ok(isTaken);
  });

  for (const [gatewayThat, answer] of [
    ['looks', (request: GatewayRequest) => request.json(200, { items: [{ status: 'missing' }] })],
    ['does not know the word', (request: GatewayRequest) => request.json(400, {})],
    ['fails at it', (request: GatewayRequest) => request.response.destroy()],
  ] as const) {
    test(`wrong bytes are reported to the gateway before their key is stored anew; one that ${gatewayThat} is no trouble`, async () => {
      const asked: string[] = [];
      await using gateway = await ScriptedGateway.start((request, { url }) => {
        if (!isNegotiation(request)) return request.response.end(body.toString().toUpperCase());
        for (const { action } of request.items) asked.push(action);
        if (request.items[0]?.action === 'verify') return answer(request);
        return reply(request, { download: found(`${url}/a`) });
      });
      await using workspace = await TempWorkspace.open(FILES);
      const { exitCode, stderr } = await build(workspace, gateway.url, {}, '--filter', 'lib');
      assert.equal(exitCode, 0);
      assert.deepEqual(asked, ['download', 'verify', 'upload']);
      assert.equal(warnings(stderr).length, 1, stderr);
      assert.match(stderr, /was not used/);
    });
  }

  test('downloads that nobody waits for are broken off at the end, and nothing is said of them', async () => {
    const [lib, app] = [digestOf('lib'), digestOf('app')];
    await using gateway = await ScriptedGateway.start((request, { url }) => {
      if (isNegotiation(request)) {
        const names = request.items.length === 2 ? [lib, app] : [];
        return request.json(200, { items: names.map((name) => found(`${url}/${name}`, { size: 100 })) });
      }
      // Both are asked for before the first is answered: then one is a miss, and the other never ends.
      const [first, second] = gateway.requests.filter(({ method }) => method === 'GET');
      if (!first || !second) return;
      const [miss, endless] = first.path.endsWith(lib) ? [first, second] : [second, first];
      endless.response.writeHead(200, { 'content-length': '100' });
      endless.response.write('x', () => miss.json(404, {}));
    });
    await using workspace = await TempWorkspace.open(FILES);
    workspace.write({ 'packages/lib/package.json': { name: 'lib', scripts: { build: 'exit 9' } } });
    const { exitCode, stderr } = await build(workspace, gateway.url, { REMOTE_TIMEOUT: '10m' });
    assert.equal(exitCode, 9);
    assert.deepEqual(warnings(stderr), []);
  });

  for (const waitsFor of ['download', 'upload'] as const) {
    test(`a signal ends a run that waits for the ${waitsFor} of an artifact, and nothing is said of the remote`, async () => {
      await using gateway = await ScriptedGateway.start((request, { url }) => {
        if (!isNegotiation(request)) return; // it never answers
        reply(
          request,
          waitsFor === 'download'
            ? { download: found(`${url}/a`) }
            : { upload: { status: 'upload_needed', url: `${url}/u`, method: 'PUT', headers: {} } },
        );
      });
      await using workspace = await TempWorkspace.open(FILES);
      const cli = new CliProcess(['run', 'build'], {
        cwd: workspace.root,
        env: { GATEWAY: gateway.url, CACHE_TOKEN: TEST_TOKEN, REMOTE_TIMEOUT: '10m' },
      });
      const isWaiting = (): boolean =>
        waitsFor === 'download'
          ? gateway.requests.some(({ method }) => method === 'GET')
          : cli.stderr.includes('to the remote cache');
      await until(async () => isWaiting());
      cli.child.kill('SIGINT');
      const { exitCode, stderr } = await cli.result;
      assert.equal(exitCode, 130);
      assert.deepEqual(warnings(stderr), []);
    });
  }

  test('after the remote was given up it is not asked again in the same run', async () => {
    await using gateway = await ScriptedGateway.start(({ json }) => json(500, {}));
    await using workspace = await TempWorkspace.open(FILES);
    await build(workspace, gateway.url);
    assert.equal(gateway.requests.length, 1);
  });

  test('the exit code of a failing task is its own, whatever the remote does', async () => {
    await using gateway = await ScriptedGateway.start(({ json }) => json(500, {}));
    await using workspace = await TempWorkspace.open(FILES);
    workspace.write({ 'packages/lib/package.json': { name: 'lib', scripts: { build: 'exit 9' } } });
    assert.equal((await build(workspace, gateway.url)).exitCode, 9);
  });
});

function warnings(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line.startsWith('warning:'));
}

/** One entry of a tar archive as an attacker would write it: nothing is checked. */
function tarEntry(
  path: string,
  content: string | Buffer,
  type: 'file' | 'link' | 'hardlink' | 'folder' = 'file',
  target = '',
): Buffer {
  const body = type === 'file' ? Buffer.from(content) : Buffer.alloc(0);
  const header = Buffer.alloc(512);
  header.write(path, 0, 100, 'utf8');
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${body.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write({ file: '0', hardlink: '1', link: '2', folder: '5' }[type], 156);
  header.write(target, 157, 100, 'utf8');
  header.write('ustar\u000000', 257, 'latin1');
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}
