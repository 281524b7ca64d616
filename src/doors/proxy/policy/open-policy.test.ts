import assert from 'node:assert/strict';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { answering, policyOf } from '../../../../test/rig/policy-guest.ts';
import { openTempFolder } from '../../../../test/rig/temp-folder.ts';
import { until } from '../../../../test/rig/until.ts';
import { openLogger } from '../../../telemetry/logger.ts';
import { openPolicy } from './open-policy.ts';
import type { PolicySettings } from './settings.ts';

const REQUEST = { request: { method: 'GET', host: 'h', url: '/', fields: [], client: '::1' } };
const LOOK_MS = 2_000;

/** A folder for the policy, and what is told of it. */
async function place(t: TestContext) {
  const folder = await openTempFolder();
  t.after(() => folder[Symbol.asyncDispose]());
  const path = join(folder.path, 'policy.wasm');
  const clock = new ManualClock();
  const log = new PassThrough();
  const told: string[] = [];
  log.on('data', (line: Buffer) => told.push(JSON.parse(line.toString()).message));
  const happened: string[] = [];
  const settings: PolicySettings = {
    policyPath: path,
    policyPoolSize: 2,
    policyDeadline: 20,
    policyMaxMemory: 2 ** 20,
    policyOnFailure: 'open',
  };
  const open = () =>
    openPolicy(settings, {
      clock,
      logger: openLogger('info', log),
      onFailure: (kind, hook) => happened.push(`${hook} ${kind}`),
      onRest: () => happened.push('rest'),
      onReload: (outcome) => happened.push(outcome),
    });
  return { path, clock, told, happened, settings, open };
}

/** Puts a file in its place whole, as deployments do. */
async function put(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${path}.new`, bytes);
  await rename(`${path}.new`, path);
}

test('without a path there is no policy, and nothing to say', async (t) => {
  const { settings, told } = await place(t);
  const policy = await openPolicy(
    { ...settings, policyPath: undefined },
    { clock: new ManualClock(), logger: openLogger('info') },
  );
  assert.deepEqual([policy, told], [undefined, []]);
});

test('a file that is missing is a warning and no policy', async (t) => {
  const { open, told } = await place(t);
  assert.equal(await open(), undefined);
  assert.deepEqual(told, ['there is no such policy; going on without one']);
});

test('a file that is no policy does not start', async (t) => {
  const { open, path } = await place(t);
  for (const [bytes, reason] of [
    [Buffer.from('no module'), /policy\.wasm cannot be used: it is no WebAssembly module: .*\.$/],
    [policyOf(''), /policy\.wasm cannot be used: it exports none of the hooks/],
    [
      policyOf('(func $s unreachable) (start $s) (func (export "vcl_recv"))'),
      /cannot be started: unreachable\.$/,
    ],
  ] as const) {
    await writeFile(path, bytes);
    await assert.rejects(open(), { code: 'POLICY_INVALID', field: 'proxy.policy.path', message: reason });
  }
  await rm(path);
});

test('a folder in its place does not start', async (t) => {
  const { open, path } = await place(t);
  await mkdir(path);
  await assert.rejects(open(), { code: 'POLICY_INVALID', message: /cannot be used: it is no file\.$/ });
});

test('a changed file is taken while the policy is at work', async (t) => {
  const { open, path, clock, happened, told } = await place(t);
  await put(path, answering('{"action":"hash"}'));
  const policy = await open();
  t.after(() => policy?.close());
  assert.equal(policy?.askNow('vcl_recv', REQUEST)?.action, 'hash');
  await put(path, answering('{"key":"new"}', 'vcl_hash'));
  assert.equal(policy?.hooks('vcl_hash'), false, 'nobody has looked yet');
  clock.advance(LOOK_MS);
  await until(async () => happened.length > 0);
  assert.deepEqual([policy?.hooks('vcl_recv'), policy?.askNow('vcl_hash', REQUEST)], [false, { key: 'new' }]);
  assert.deepEqual(happened, ['taken']);
  assert.deepEqual(told, ['policy loaded', 'policy loaded anew']);
});

test('a file that was only touched, or written again as it was, is not', async (t) => {
  const { open, path, clock, happened } = await place(t);
  await put(path, answering('{}'));
  const policy = await open();
  t.after(() => policy?.close());
  for (let look = 0; look < 2; look++) {
    await put(path, answering('{}'));
    clock.advance(LOOK_MS);
    await until(async () => clock.isWaitedFor(LOOK_MS));
  }
  assert.deepEqual(happened, []);
});

test('one that became invalid, or went away, leaves the policy as it was, and is told of once', async (t) => {
  const { open, path, clock, happened, told } = await place(t);
  const look = async (): Promise<void> => {
    clock.advance(LOOK_MS);
    await until(async () => clock.isWaitedFor(LOOK_MS));
  };
  await put(path, answering('{"action":"pass"}'));
  const policy = await open();
  t.after(() => policy?.close());
  await put(path, Buffer.from('half of a mod'));
  await look();
  await look();
  await rm(path);
  await look();
  await look();
  assert.equal(policy?.askNow('vcl_recv', REQUEST)?.action, 'pass');
  assert.deepEqual(happened, ['refused', 'refused']);
  assert.equal(
    told.filter((line) => line === 'the changed policy cannot be used; the old one stays').length,
    2,
  );
  await put(path, answering('{"action":"hash"}'));
  await look();
  assert.equal(policy?.askNow('vcl_recv', REQUEST)?.action, 'hash');
});

test('failures are counted, each told of once an hour, and nobody looks any more once it is closed', async (t) => {
  const { open, path, clock, happened, told } = await place(t);
  await put(path, policyOf('(func (export "vcl_recv") unreachable)'));
  const policy = await open();
  for (let call = 0; call < 7; call++) policy?.askNow('vcl_recv', REQUEST);
  assert.deepEqual(happened, [...Array(5).fill('vcl_recv trap'), 'rest']);
  assert.deepEqual(told.slice(1), [
    'the policy came to no decision',
    'the policy fails again and again, and is left alone for a while',
  ]);
  assert.ok(clock.isWaitedFor(LOOK_MS));
  await policy?.close();
  assert.ok(!clock.isWaitedFor(LOOK_MS));
});
