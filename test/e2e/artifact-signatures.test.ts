/**
 * Neither the gateway nor the bucket is believed (A3): whoever builds signs, whoever restores checks. Real servers and
 * real runs; the attacker writes to the storage as somebody with access to the bucket can, past the gateway.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { SigningKey } from '../../src/runner/signatures/signing-key.ts';
import { LocalStore } from '../../src/storage/drivers/local/local-store.ts';
import { parseObjectKey } from '../../src/storage/object-key.ts';
import type { NegotiateReply } from '../../src/wire/negotiate.ts';
import { type CliResult, velocity } from '../rig/cli.ts';
import { postNegotiate } from '../rig/negotiate.ts';
import { newToken } from '../rig/new-token.ts';
import { reply, ScriptedGateway } from '../rig/scripted-gateway.ts';
import { ServerProcess, TEST_TOKEN } from '../rig/server-process.ts';
import { openTempFolder, type TempFolder } from '../rig/temp-folder.ts';
import { type Files, TempWorkspace } from '../rig/temp-workspace.ts';

const CI = SigningKey.generate();
const PULL_REQUESTS = SigningKey.generate();
const FOREIGN = SigningKey.generate();

/** CI's key is trusted in main only, that of pull requests wherever it is found. */
const TRUSTED = [
  '    trusted:',
  `      - key: ${CI.publicKey.text}`,
  '        scopes: [main]',
  `      - key: ${PULL_REQUESTS.publicKey.text}`,
];

function files(source: string, trusted: readonly string[] = TRUSTED): Files {
  const packageOf = (name: string) => ({
    name,
    scripts: { build: 'mkdir -p dist && echo "$WHO made $(cat src.txt)" > dist/out.txt' },
  });
  return {
    'velocity.yml': [
      'version: 1',
      'remote:',
      '  url: ${GATEWAY}',
      '  token: ${CACHE_TOKEN}',
      '  signature:',
      '    private_key: ${PRIVATE_KEY:-}',
      ...trusted,
      'pipeline:',
      '  build:',
      '    outputs: ["dist/**"]',
      '',
    ].join('\n'),
    'package.json': { name: 'root', private: true, workspaces: ['packages/*'] },
    '.gitignore': 'dist\n.velocity\n',
    'packages/app/package.json': packageOf('app'),
    'packages/app/src.txt': `app ${source}`,
    'packages/lib/package.json': packageOf('lib'),
    'packages/lib/src.txt': `lib ${source}`,
  };
}

interface Asked {
  /** What the packages hold: another source has other keys. */
  readonly source: string;
  readonly token?: string;
  readonly key?: SigningKey | undefined;
  /** Who builds: nothing of the key tells it, as nothing of a key tells a poisoned compiler. */
  readonly who?: string;
  readonly url?: string;
  readonly trusted?: readonly string[];
}

interface Build extends CliResult {
  readonly app: string;
  readonly lib: string;
  readonly warnings: readonly string[];
}

let folder: TempFolder;
let server: ServerProcess;
let bucket: LocalStore;
const tokens: Record<string, string> = {};
before(async () => {
  folder = await openTempFolder();
  const file = join(folder.path, 'tokens.yml');
  const root = join(folder.path, 'store');
  tokens['main'] = await newToken(file, 'main');
  tokens['pr-7'] = await newToken(file, 'pull-request', '--scope', 'pr-7');
  tokens['laptop'] = await newToken(file, 'developer');
  server = await ServerProcess.start({
    VC_LOCAL_ROOT: root,
    VC_AUTH_TOKEN: '',
    VC_AUTH_TOKENS_FILE: file,
  });
  bucket = await LocalStore.open({ root });
});
after(async () => {
  await bucket.close();
  await server[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** A build on a machine of its own: nothing is there but what the cache gives. */
async function build({ source, trusted, ...asked }: Asked): Promise<Build> {
  await using workspace = await TempWorkspace.open(files(source, trusted));
  const result = await run(workspace, asked);
  assert.equal(result.exitCode, 0, result.stderr);
  const read = (name: string): string => workspace.read(`packages/${name}/dist/out.txt`).trim();
  const warnings = result.stderr.split('\n').filter((line) => /^warning: /.test(line));
  return { ...result, app: read('app'), lib: read('lib'), warnings };
}

function run(
  workspace: TempWorkspace,
  { token = 'main', key, who = 'CI', url = server.url }: Omit<Asked, 'source'>,
  ...args: string[]
): Promise<CliResult> {
  return velocity(['run', 'build', ...args], {
    cwd: workspace.root,
    env: {
      GATEWAY: url,
      CACHE_TOKEN: tokens[token] ?? token,
      PRIVATE_KEY: key?.text.reveal() ?? '',
      WHO: who,
    },
  });
}

/** The cache keys of the two packages’ builds. */
async function keysOf(source: string): Promise<{ app: string; lib: string }> {
  await using workspace = await TempWorkspace.open(files(source));
  const { stdout } = await run(workspace, {}, '--dry=json');
  const { tasks } = JSON.parse(stdout) as { tasks: { task: string; key: string }[] };
  const key = (task: string): string => tasks.find((each) => each.task === task)?.key ?? '';
  return { app: key('app#build'), lib: key('lib#build') };
}

/** What lies in the bucket under a name. */
async function taken(name: string): Promise<{ bytes: Buffer; metadata: Readonly<Record<string, string>> }> {
  const got = await bucket.get(parseObjectKey(name));
  assert.ok(got !== undefined && got !== 'unsatisfiable', name);
  return { bytes: await buffer(got.body), metadata: got.facts.metadata };
}

/** Puts something in a name's place, with a digest that is right: the bucket's owner may do anything. */
async function plant(
  name: string,
  { bytes, metadata }: { bytes: Buffer; metadata: Readonly<Record<string, string>> },
): Promise<void> {
  await bucket.put(parseObjectKey(name), bytes, { ifAbsent: false, metadata });
}

function sent(): number {
  return server.log.filter(({ path, method }) => method === 'GET' && /^\/v1\/proxy\/blob/.test(String(path)))
    .length;
}

/** The victim's build ran both tasks, fetched nothing, and said so once. */
async function assertNothingUsed(asked: Asked, reasons: string): Promise<void> {
  const before = sent();
  const victim = await build({ who: 'the victim', ...asked });
  assert.match(victim.stderr, /2 tasks · 2 ran/);
  assert.deepEqual(
    [victim.app, victim.lib],
    [`the victim made app ${asked.source}`, `the victim made lib ${asked.source}`],
  );
  assert.deepEqual(victim.warnings, [
    `warning: remote cache: 2 artifacts were not used, their tasks run: ${reasons} (remote.signature.trusted in velocity.yml).`,
  ]);
  assert.equal(sent() - before, 0, 'nothing was downloaded');
}

test('what one machine signed another restores, and is told who made it', async () => {
  const source = 'the good case';
  await build({ source, key: CI });
  const second = await build({ source, who: 'nobody' });
  assert.match(second.stderr, /2 hits \(2 remote\)/);
  assert.deepEqual([second.app, second.lib], [`CI made app ${source}`, `CI made lib ${source}`]);
  assert.deepEqual(second.warnings, []);
});

test('the key in VELOCITY_SIGNING_KEY goes before the one in velocity.yml, and tasks are not given it', async () => {
  await using workspace = await TempWorkspace.open(files('the environment'));
  workspace.write({
    'packages/app/package.json': {
      name: 'app',
      scripts: { build: 'mkdir -p dist && echo "key: ${VELOCITY_SIGNING_KEY:-none}" > dist/out.txt' },
    },
  });
  const env = { GATEWAY: server.url, CACHE_TOKEN: tokens['main'] ?? '', PRIVATE_KEY: FOREIGN.text.reveal() };
  const build = (more: Record<string, string>) =>
    velocity(['run', 'build', '--filter', 'app'], { cwd: workspace.root, env: { ...env, ...more } });
  const first = await build({ VELOCITY_SIGNING_KEY: CI.text.reveal() });
  assert.match(first.stderr, /1 ran/);
  assert.equal(workspace.read('packages/app/dist/out.txt'), 'key: none\n');
  workspace.remove('.velocity', 'packages/app/dist');
  assert.match((await build({})).stderr, /1 hit \(1 remote\)/, 'it was signed with CI’s key');
});

describe('whoever can write to the bucket', () => {
  test('alters a body, with its digest', async () => {
    const source = 'altered';
    await build({ source, key: CI });
    for (const key of Object.values(await keysOf(source))) {
      const { bytes, metadata } = await taken(`objects/${key}`);
      bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
      await plant(`objects/${key}`, { bytes, metadata });
    }
    await assertNothingUsed({ source }, '2 with a signature of something else');
  });

  test('swaps what two keys hold, with all that is known of it', async () => {
    const source = 'swapped';
    await build({ source, key: CI });
    const { app, lib } = await keysOf(source);
    const [first, second] = [await taken(`objects/${app}`), await taken(`objects/${lib}`)];
    await plant(`objects/${app}`, second);
    await plant(`objects/${lib}`, first);
    await assertNothingUsed({ source }, '2 with a signature of something else');
  });

  test('strips the signature', async () => {
    const source = 'stripped';
    await build({ source, key: CI });
    for (const key of Object.values(await keysOf(source))) {
      const { bytes, metadata } = await taken(`objects/${key}`);
      const { signature, ...others } = metadata;
      assert.ok(signature);
      await plant(`objects/${key}`, { bytes, metadata: others });
    }
    await assertNothingUsed({ source }, '2 not signed');
  });

  test('signs poison with a key of its own', async () => {
    const source = 'foreign';
    await build({ source, key: FOREIGN, who: 'POISON', trusted: [] });
    await assertNothingUsed({ source }, '2 signed with a key that is not trusted');
  });

  test('replays what was signed for an older state under the keys of the new one', async () => {
    await build({ source: 'old', key: CI });
    const [old, fresh] = [await keysOf('old'), await keysOf('new')];
    await plant(`objects/${fresh.app}`, await taken(`objects/${old.app}`));
    await plant(`objects/${fresh.lib}`, await taken(`objects/${old.lib}`));
    await assertNothingUsed({ source: 'new' }, '2 with a signature of something else');
  });

  test('copies what a pull request signed to where main reads', async () => {
    const source = 'another scope';
    await build({ source, token: 'pr-7', key: PULL_REQUESTS, who: 'POISON' });
    for (const key of Object.values(await keysOf(source)))
      await plant(`objects/${key}`, await taken(`tenants/default/pr-7/objects/${key}`));
    await assertNothingUsed({ source }, '2 with a signature of something else');
  });

  test('does several of it: one warning tells all', async () => {
    const source = 'several';
    await build({ source, key: CI });
    const { app, lib } = await keysOf(source);
    const signed = await taken(`objects/${app}`);
    await plant(`objects/${lib}`, signed);
    await plant(`objects/${app}`, { ...signed, metadata: {} });
    await assertNothingUsed({ source }, '1 not signed, 1 with a signature of something else');
  });
});

test('a key that is trusted in main only is not in a pull request’s scope; one trusted anywhere is', async () => {
  const [restricted, anywhere] = ['signed by CI in pr-7', 'signed by a pull request in pr-7'];
  await build({ source: restricted, token: 'pr-7', key: CI });
  await assertNothingUsed(
    { source: restricted, token: 'pr-7' },
    '2 in a scope for which the key is not trusted',
  );
  await build({ source: anywhere, token: 'pr-7', key: PULL_REQUESTS });
  const reader = await build({ source: anywhere, token: 'pr-7' });
  assert.match(reader.stderr, /2 hits \(2 remote\)/);
});

test('--dry shows what is not trusted as missing', async () => {
  const source = 'planned';
  await build({ source });
  await using workspace = await TempWorkspace.open(files(source));
  const { stdout } = await run(workspace, {}, '--dry=json');
  assert.ok(!stdout.includes('"remote"'), stdout);
});

test('who signs and trusts nobody by name demands no signature', async () => {
  const source = 'no demand';
  await build({ source });
  const signer = await build({ source, key: CI, trusted: [] });
  assert.match(signer.stderr, /2 hits \(2 remote\)/);
  assert.deepEqual(signer.warnings, []);
});

test('signed and sent is what this run built, not what the local cache held and must not be read for it', async () => {
  const source = 'an old local cache';
  await using workspace = await TempWorkspace.open(files(source));
  await run(workspace, { who: 'somebody before' }, '--cache=local:rw');
  const signer = await run(workspace, { key: CI }, '--cache=local:w,remote:rw');
  assert.match(signer.stderr, /2 tasks · 2 ran/);
  const { app, lib, stderr } = await build({ source, who: 'nobody' });
  assert.match(stderr, /2 hits \(2 remote\)/);
  assert.deepEqual([app, lib], [`CI made app ${source}`, `CI made lib ${source}`]);
});

test('what was found and trusted is used, not what the local cache held and must not be read for it', async () => {
  const source = 'an old local cache, and a hit';
  await using workspace = await TempWorkspace.open(files(source));
  await run(workspace, { who: 'somebody before' }, '--cache=local:rw');
  await build({ source, key: CI });
  workspace.remove('packages/app/dist', 'packages/lib/dist');
  const { stderr } = await run(workspace, {}, '--cache=local:w,remote:r');
  assert.match(stderr, /2 hits \(2 remote\)/);
  assert.equal(workspace.read('packages/app/dist/out.txt'), `CI made app ${source}\n`);
});

test('a token that writes nothing is told so without an upload, and that is no trouble', async () => {
  const source = 'a laptop';
  const { stderr, warnings } = await build({ source, token: 'laptop', key: CI });
  assert.match(stderr, /^remote cache: the token reads and does not write, so nothing is sent there\.$/m);
  assert.deepEqual(warnings, []);
  const { app } = await keysOf(source);
  const answer = await postNegotiate(server.url, { hash: app, action: 'download' }, tokens['main']);
  assert.equal(((await answer.json()) as NegotiateReply).status, 'missing');
});

test('what the token means is asked once, and only by who has a key and something to send', async () => {
  const asked = (): number => server.log.filter(({ path }) => path === '/v1/access').length;
  const source = 'asked once';
  const before = asked();
  await build({ source, key: CI });
  assert.equal(asked() - before, 1);
  await build({ source, key: CI });
  await build({ source: 'without a key' });
  assert.equal(asked() - before, 1);
});

test('to a gateway that does not say what the token means nothing is sent: unsigned it would hold its key', async () => {
  await using gateway = await ScriptedGateway.start((request) => {
    if (request.path.endsWith('/v1/access')) request.json(404, {});
    else reply(request, {});
  });
  const { stderr, warnings } = await build({
    source: 'an old gateway',
    url: gateway.url,
    token: TEST_TOKEN,
    key: CI,
  });
  assert.match(stderr, /2 ran/);
  assert.equal(warnings.length, 1, stderr);
  assert.match(warnings[0] ?? '', /\/v1\/access answered 404/);
  assert.ok(gateway.requests.every(({ items }) => items.every(({ action }) => action === 'download')));
});

test('a body that is not what was signed is not used, and the gateway is asked to look at it', async () => {
  const source = 'lied to';
  await build({ source, key: CI });
  const { app, lib } = await keysOf(source);
  const answers = new Map<string, { answer: NegotiateReply & { status: 'found' }; bytes: Buffer }>();
  for (const hash of [app, lib]) {
    const answer = await (
      await postNegotiate(server.url, { hash, action: 'download' }, tokens['main'])
    ).json();
    answers.set(hash, {
      answer: answer as NegotiateReply & { status: 'found' },
      ...(await taken(`objects/${hash}`)),
    });
  }
  await using gateway = await ScriptedGateway.start((request, { url }) => {
    if (request.method === 'GET') {
      const { bytes = Buffer.alloc(0) } = answers.get(request.path.slice(1)) ?? {};
      bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
      request.response.end(bytes);
      return;
    }
    const items = request.items.map(({ hash, action }) =>
      action === 'upload' ? { status: 'skipped' } : { ...answers.get(hash)?.answer, url: `${url}/${hash}` },
    );
    request.json(200, { items });
  });
  const victim = await build({ source, url: gateway.url, token: TEST_TOKEN, who: 'the victim' });
  assert.deepEqual(
    [victim.app, victim.lib],
    [`the victim made app ${source}`, `the victim made lib ${source}`],
  );
  assert.equal(victim.warnings.length, 2, victim.stderr);
  for (const warning of victim.warnings) assert.match(warning, /is not what was announced and was not used/);
  const verified = gateway.requests.flatMap(({ items }) => items.filter(({ action }) => action === 'verify'));
  assert.deepEqual(verified.map(({ hash }) => hash).sort(), [app, lib].sort());
});

describe('a mistake with keys', () => {
  const secret = CI.text.reveal();
  const shown = async (
    change: (file: string) => string,
    env: Record<string, string> = {},
  ): Promise<string> => {
    await using workspace = await TempWorkspace.open(files('mistakes'));
    workspace.write({ 'velocity.yml': change(workspace.read('velocity.yml')) });
    const { exitCode, stdout, stderr } = await velocity(['run', 'build'], {
      cwd: workspace.root,
      env: { GATEWAY: server.url, CACHE_TOKEN: tokens['main'] ?? '', ...env },
    });
    assert.equal(exitCode, 2, stderr);
    assert.ok(!(stdout + stderr).includes(secret.slice(-40)), stderr);
    return stderr;
  };

  test('in the environment names the variable', async () => {
    const stderr = await shown((file) => file, { VELOCITY_SIGNING_KEY: `${secret}x` });
    assert.match(stderr, /^velocity: VELOCITY_SIGNING_KEY: expected a private key/);
  });

  test('in velocity.yml is shown with its line', async () => {
    const stderr = await shown((file) => file, { PRIVATE_KEY: CI.publicKey.text });
    assert.match(
      stderr,
      /private_key: a public key stands where a private one belongs; it goes below "trusted"/,
    );
    assert.match(stderr, /^> 6 \| {5}private_key: \$\{PRIVATE_KEY:-\}$/m);
  });

  test('where a private key is written out tells the place and shows no line', async () => {
    const stderr = await shown((file) => file.replace(CI.publicKey.text, secret));
    assert.match(stderr, /velocity\.yml:8:14: .*a private key stands where a public one belongs/);
    assert.ok(!stderr.includes(' | '), stderr);
  });
});
