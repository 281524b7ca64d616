import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CapturedIo } from '../../../test/rig/captured-io.ts';
import { compileWat } from '../../../test/rig/compile-policy.ts';
import { openTempFolder } from '../../../test/rig/temp-folder.ts';
import { runCli } from '../cli.ts';

const LOOP = '(module (func (export "vcl_deliver") (loop $l (br $l))))';

async function policyTest(module: Uint8Array, args: readonly string[]) {
  await using folder = await openTempFolder();
  await writeFile(join(folder.path, 'p.wasm'), module);
  const io = new CapturedIo({ cwd: folder.path });
  const exitCode = await runCli(['policy', 'test', 'p.wasm', ...args], io);
  return { exitCode, stdout: io.stdout.text, stderr: io.stderr.text };
}

const noAdmin = async (): Promise<Buffer> =>
  compileWat(await readFile('examples/policies/no-admin.wat', 'utf8'));

test('a hook is called by hand: what it is asked, what it decides, what it takes', async () => {
  const { exitCode, stdout, stderr } = await policyTest(await noAdmin(), [
    ...[
      '--request',
      'POST http://example.org/admin/users?x=1',
      '--header',
      'Accept: text/html',
      '--client',
      '10.0.0.1',
    ],
  ]);
  assert.deepEqual([exitCode, stderr], [0, '']);
  const [hook, question, answer, decision, took] = stdout.split('\n');
  assert.equal(hook, 'hook      vcl_recv');
  assert.equal(
    question,
    'question  {"client":"10.0.0.1","req":{"method":"POST","host":"example.org","url":"/admin/users?x=1","headers":{"host":["example.org"],"accept":["text/html"]}}}',
  );
  assert.equal(answer, 'answer    {"action":"synth","synth":{"status":403,"body":"Not for you.\\n"}}');
  assert.match(decision ?? '', /^decision {2}\{"action":"synth",.*"status":403/);
  assert.match(took ?? '', /^took {6}\d+\.\d\d ms, \d+ instructions$/);
});

test('the response is what is said of it', async () => {
  const module = compileWat(
    '(module (func (export "vcl_recv")) (func (export "vcl_hit")) (func (export "vcl_deliver")))',
  );
  const args = [
    '--json',
    '--response',
    '404',
    '--response-header',
    'ETag: "x"',
    '--age',
    '1m',
    '--ttl',
    '30s',
    '--miss',
  ];
  const hit = JSON.parse((await policyTest(module, ['--hook', 'vcl_hit', ...args])).stdout);
  assert.deepEqual(hit.question.obj, { status: 404, headers: { etag: ['"x"'] }, age: 60, ttl: 30 });
  assert.deepEqual([hit.answer, hit.decision], ['', { action: 'deliver' }]);
  assert.equal(
    JSON.parse((await policyTest(module, ['--hook', 'vcl_deliver', ...args])).stdout).question.hit,
    false,
  );
});

test('a policy that fails is a failed command, with the reason', async () => {
  const { exitCode, stdout } = await policyTest(compileWat(LOOP), ['--deadline', '5ms']);
  assert.equal(exitCode, 1);
  assert.match(stdout, /^failure {3}deadline: it did not end in time$/m);
});

test('what cannot be tried is told why', async () => {
  const cases: readonly [Uint8Array, readonly string[], RegExp][] = [
    [Buffer.from('x'), [], /p\.wasm cannot be used: it is no WebAssembly module/],
    [compileWat(LOOP), ['--hook', 'vcl_recv'], /has no vcl_recv; it has vcl_deliver/],
    [compileWat(LOOP), ['--hook', 'vcl_pipe'], /--hook: expected vcl_recv or/],
    [compileWat(LOOP), ['--request', 'GET /path'], /--request: expected a method and a URL/],
    [compileWat(LOOP), ['--header', 'Accept'], /--header: expected a line such as/],
    [compileWat(LOOP), ['--response', '99'], /--response: expected a status/],
    [compileWat(LOOP), ['--ttl', '5'], /--ttl: expected a time/],
  ];
  for (const [module, args, reason] of cases) {
    const { exitCode, stderr } = await policyTest(module, args);
    assert.equal(exitCode, 2, args.join(' '));
    assert.match(stderr, reason);
  }
});

test('a file that is not there is told of', async () => {
  const io = new CapturedIo({ cwd: '/' });
  assert.equal(await runCli(['policy', 'test', 'none.wasm'], io), 2);
  assert.match(io.stderr.text, /\/none\.wasm cannot be used: ENOENT/);
});
