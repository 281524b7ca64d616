import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { runCli } from '../cli.ts';

const PRIVATE_KEY = 'NC7y4q2_rmnWBhlnEo34B9FddA0DkGlu7XGOs76bZn8';
const KEY = { VC_AUTH_PRIVATE_KEY: PRIVATE_KEY };
const STORE = { VC_STORES__media__TYPE: 's3', VC_STORES__media__BUCKET: 'b' };

async function sign(args: readonly string[], env: NodeJS.ProcessEnv = KEY, cwd = '/') {
  const io = new CapturedIo({ env, cwd });
  const exitCode = await runCli(['sign', ...args], io);
  return { exitCode, stdout: io.stdout.text, stderr: io.stderr.text };
}

/** What a printed URL says: what stands before its query, and its payload. */
function read(line: string): { place: string; payload: Record<string, unknown> } {
  const [, place = '', payload = ''] = /^(.*)\?sig=([\w-]+)\.[\w-]{86}\n$/.exec(line) ?? [];
  return { place, payload: JSON.parse(Buffer.from(payload, 'base64url').toString()) };
}

test('a signed URL is one line: the path, and what it opens for how long', async () => {
  const before = Math.floor(Date.now() / 1000);
  const { exitCode, stdout, stderr } = await sign(['GET', 'media-s3/path/to/object.txt', '--expires', '1h']);
  assert.deepEqual([exitCode, stderr], [0, '']);
  const { place, payload } = read(stdout);
  assert.equal(place, '/media-s3/path/to/object.txt');
  const { exp, ...rest } = payload;
  assert.deepEqual(rest, { v: 1, m: 'GET', b: 'media-s3', p: 'path/to/object.txt' });
  assert.ok(Number(exp) >= before + 3600 && Number(exp) <= before + 3700);
});

test('the path is escaped in the URL and is itself in the signature', async () => {
  const { stdout } = await sign(['put', '/media/a b/ü?#%2F(1).txt']);
  const { place, payload } = read(stdout);
  assert.equal(place, '/media/a%20b/%C3%BC%3F%23%252F%281%29.txt');
  assert.deepEqual([payload['m'], payload['p']], ['PUT', 'a b/ü?#%2F(1).txt']);
});

test('the server stands in front, as --url or the settings say', async () => {
  const placed = async (args: string[], env: NodeJS.ProcessEnv): Promise<string> =>
    read((await sign(['HEAD', 'media/x', ...args], { ...KEY, ...env })).stdout).place;
  assert.equal(await placed(['--url', 'http://host:8080/'], {}), 'http://host:8080/media/x');
  const env = { VC_PUBLIC_URL: 'https://cdn.example/base' };
  assert.equal(await placed([], env), 'https://cdn.example/base/media/x');
  assert.equal(await placed(['--url', 'http://host'], env), 'http://host/media/x');
});

test('key and stores come from a file too, and from the environment of cachegate', async () => {
  await using folder = await openTempFolder();
  await writeFile(
    join(folder.path, 'c.yaml'),
    `auth: { private_key: ${PRIVATE_KEY} }\nstores: { media: { type: local, root: x } }\n`,
  );
  const config = ['--config', join(folder.path, 'c.yaml')];
  assert.equal((await sign(['GET', 'media/x', ...config], {}, folder.path)).exitCode, 0);
  const env = { CACHEGATE__AUTH__PRIVATE_KEY: PRIVATE_KEY };
  assert.equal((await sign(['GET', 'media/x', '--config', 'env'], env)).exitCode, 0);
});

test('what cannot be signed is told why', async () => {
  const cases: [string[], NodeJS.ProcessEnv, RegExp][] = [
    [['GET', 'medai/x'], { ...KEY, ...STORE }, /There is no store "medai" \(did you mean "media"\?\)/],
    [['GET', 'other/x'], { ...KEY, ...STORE }, /There is no store "other"; there are media/],
    [['DELETE', 'media/x'], KEY, /opens GET, HEAD, PUT; there is no "DELETE"/],
    [['GET', 'media'], KEY, /"media" names no object/],
    [['GET', 'media/'], KEY, /"media\/" names no object/],
    [['GET', 'media/a/../b'], KEY, /No object has the path "a\/\.\.\/b"/],
    [['GET', 'media/x', '--expires', '15'], KEY, /--expires 15: expected a duration/],
    [['GET', 'media/x', '--expires', '0s'], KEY, /--expires 0s: expected a duration/],
    [['GET', 'media/x', '--url', 'host:8080'], KEY, /--url host:8080: expected a URL/],
    [['GET', 'media/x'], {}, /no key to sign with: .*auth\.private_key/],
    [
      ['GET', 'media/x'],
      { VC_AUTH_PRIVATE_KEY: 'short' },
      /VC_AUTH_PRIVATE_KEY: auth\.private_key: expected/,
    ],
  ];
  for (const [args, env, complaint] of cases) {
    const { exitCode, stdout, stderr } = await sign(args, env);
    assert.deepEqual([exitCode, stdout], [2, ''], args.join(' '));
    assert.match(stderr, complaint);
  }
});
