import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ManualClock } from '../../../../test/rig/manual-clock.ts';
import { answering, policyOf } from '../../../../test/rig/policy-guest.ts';
import type { Clock } from '../../../base/clock.ts';
import { compilePolicy } from './guest/compiled-policy.ts';
import type { PolicySettings } from './settings.ts';
import { WasmPolicy } from './wasm-policy.ts';

const REQUEST = { request: { method: 'GET', host: 'h', url: '/', fields: [], client: '::1' } };
const MAX_MEMORY = 2 ** 20;

/** Time that passes by being looked at, so that a loop meets its deadline. */
class RushingClock extends ManualClock implements Clock {
  override elapsed(): number {
    this.advance(1);
    return super.elapsed();
  }
}

async function open(module: Uint8Array, given: Partial<PolicySettings> = {}, clock = new ManualClock()) {
  const settings: PolicySettings = {
    policyPath: undefined,
    policyPoolSize: 2,
    policyDeadline: 20,
    policyMaxMemory: MAX_MEMORY,
    policyOnFailure: 'open',
    ...given,
  };
  const failures: string[] = [];
  const said: string[] = [];
  const events = {
    onFailure: (kind: string, hook: string) => failures.push(`${hook} ${kind}`),
    onRest: () => failures.push('rest'),
    log: (_level: string, text: string) => said.push(text),
  };
  const policy = new WasmPolicy(await compilePolicy(module, MAX_MEMORY), {
    settings,
    clock,
    events,
    close: () => {},
  });
  return { policy, failures, said, clock };
}

/** Traps where the method is POST, and answers else. */
const TRAPS_ON_POST = policyOf(
  `(data (i32.const 0) "{\\"key\\":\\"k\\"}")
  (func $check (if (i32.eq (call $input_load_u8 (i64.const 33)) (i32.const 80)) (then unreachable)))
  (func (export "vcl_recv") (call $check))
  (func (export "vcl_hash") (call $answer (call $say (i32.const 0) (i32.const 11))))`,
);
const POST = { request: { ...REQUEST.request, method: 'POST' } };

test('only hooks that are exported are called', async () => {
  const { policy } = await open(answering('{"key":"x"}', 'vcl_hash'));
  assert.deepEqual([policy.hooks('vcl_hash'), policy.hooks('vcl_recv')], [true, false]);
  assert.deepEqual(policy.askNow('vcl_hash', REQUEST), { key: 'x' });
  assert.equal(policy.askNow('vcl_recv', REQUEST), undefined);
  assert.equal(await policy.ask('vcl_recv', REQUEST), undefined);
});

test('more questions than instances are answered, each its own', async () => {
  const echo = policyOf(`(func (export "vcl_hash") (local $b i64)
    (local.set $b (call $alloc (i64.const 11)))
    (call $store_u64 (local.get $b) (i64.const 0x3a2279656b227b)) (call $store_u8 (i64.add (local.get $b) (i64.const 7)) (i32.const 34))
    (call $store_u8 (i64.add (local.get $b) (i64.const 8)) (call $input_load_u8 (i64.const 11)))
    (call $store_u8 (i64.add (local.get $b) (i64.const 9)) (i32.const 34)) (call $store_u8 (i64.add (local.get $b) (i64.const 10)) (i32.const 125))
    (call $store_u8 (i64.add (local.get $b) (i64.const 6)) (i32.const 58))
    (call $answer (local.get $b)))`);
  const { policy } = await open(echo, { policyPoolSize: 1 });
  const clients = [...'abcdefghijklmnop'];
  const answers = await Promise.all(
    clients.map((client) => policy.ask('vcl_hash', { request: { ...REQUEST.request, client } })),
  );
  assert.deepEqual(
    answers.map((answer) => answer?.key),
    clients,
  );
});

describe('a call that fails', () => {
  for (const [what, module, kind] of [
    ['a trap', policyOf('(func (export "vcl_recv") unreachable)'), 'trap'],
    ['a loop', policyOf('(func (export "vcl_recv") (loop $l (br $l)))'), 'deadline'],
    [
      'a memory bomb',
      policyOf(
        '(func (export "vcl_recv") (loop $l (if (i32.lt_s (memory.grow (i32.const 1)) (i32.const 0)) (then unreachable)) (br $l)))',
      ),
      'trap',
    ],
    ['nonsense', answering('{"action":"dance"}'), 'answer'],
    [
      'too much',
      policyOf('(func (export "vcl_recv") (call $answer (call $alloc (i64.const 4000000))))'),
      'answer',
    ],
    ['its own error', policyOf('(func (export "vcl_recv") (result i32) (i32.const 1))'), 'error'],
  ] as const) {
    test(`${what}: open, it is as without a policy, and counted`, async () => {
      const { policy, failures } = await open(module, {}, new RushingClock());
      assert.equal(policy.askNow('vcl_recv', REQUEST), undefined);
      assert.deepEqual(failures, [`vcl_recv ${kind}`]);
    });
    test(`${what}: closed, it is an error that tells clients nothing of it`, async () => {
      const { policy, failures } = await open(module, { policyOnFailure: 'closed' }, new RushingClock());
      const error = { code: 'POLICY_FAILED', message: 'The policy came to no decision at vcl_recv.' };
      assert.throws(() => policy.askNow('vcl_recv', REQUEST), error);
      await assert.rejects(policy.ask('vcl_recv', REQUEST), error);
      assert.deepEqual(failures, [`vcl_recv ${kind}`, `vcl_recv ${kind}`]);
    });
  }

  test('its instance is not used again, and another is there at once', async () => {
    // Fails every second time that one instance is asked.
    const module = policyOf(`(global $g (mut i32) (i32.const 0)) (data (i32.const 0) "{\\"key\\":\\"k\\"}")
      (func (export "vcl_hash") (if (global.get $g) (then unreachable)) (global.set $g (i32.const 1))
        (call $answer (call $say (i32.const 0) (i32.const 11))))`);
    const { policy } = await open(module, { policyPoolSize: 1 });
    const keys: (string | undefined)[] = [];
    for (let call = 0; call < 6; call++) {
      keys.push(policy.askNow('vcl_hash', REQUEST)?.key);
      if (call > 2) await turn();
    }
    assert.deepEqual(keys, ['k', undefined, 'k', undefined, 'k', undefined]);
  });
});

describe('a policy that fails again and again', () => {
  test('is left alone for ten seconds after five failures in a row, and has one try then', async () => {
    const { policy, failures, clock } = await open(policyOf('(func (export "vcl_recv") unreachable)'));
    for (let call = 0; call < 9; call++) policy.askNow('vcl_recv', REQUEST);
    assert.deepEqual(failures, [...Array(5).fill('vcl_recv trap'), 'rest']);
    assert.equal(policy.hooks('vcl_recv'), false);
    clock.advance(9_999);
    assert.equal(policy.hooks('vcl_recv'), false);
    clock.advance(1);
    assert.equal(policy.hooks('vcl_recv'), true);
    for (let call = 0; call < 3; call++) policy.askNow('vcl_recv', REQUEST);
    assert.deepEqual(failures.slice(6), ['vcl_recv trap', 'rest']);
  });

  test('refuses all meanwhile where it fails closed, without being called', async () => {
    const { policy, failures } = await open(policyOf('(func (export "vcl_recv") unreachable)'), {
      policyOnFailure: 'closed',
    });
    for (let call = 0; call < 9; call++)
      assert.throws(() => policy.askNow('vcl_recv', REQUEST), { code: 'POLICY_FAILED' });
    assert.equal(failures.length, 6);
    assert.equal(policy.hooks('vcl_recv'), true);
  });

  test('is not one that is well between', async () => {
    const { policy, failures } = await open(TRAPS_ON_POST);
    for (let call = 0; call < 20; call++) policy.askNow('vcl_recv', call % 5 === 4 ? REQUEST : POST);
    assert.ok(!failures.includes('rest'));
  });

  test('is one of whose hooks another is well', async () => {
    const { policy, failures } = await open(TRAPS_ON_POST);
    for (let call = 0; call < 5; call++) {
      policy.askNow('vcl_recv', POST);
      policy.askNow('vcl_hash', POST);
    }
    assert.equal(failures.at(-1), 'rest');
    assert.equal(policy.askNow('vcl_hash', POST), undefined, 'all of it is left alone');
  });

  test('is another once it was replaced', async () => {
    const { policy } = await open(policyOf('(func (export "vcl_recv") unreachable)'));
    for (let call = 0; call < 5; call++) policy.askNow('vcl_recv', REQUEST);
    policy.replace(await compilePolicy(answering('{"action":"pass"}'), MAX_MEMORY));
    assert.equal(policy.askNow('vcl_recv', REQUEST)?.action, 'pass');
    await assert.rejects(
      async () =>
        policy.replace(
          await compilePolicy(
            policyOf('(func $s unreachable) (start $s) (func (export "vcl_recv"))'),
            MAX_MEMORY,
          ),
        ),
      { code: 'POLICY_INVALID', message: /cannot be started: unreachable/ },
    );
    assert.equal(policy.askNow('vcl_recv', REQUEST)?.action, 'pass', 'the old one stays');
  });
});

test('an instance that loses memory at every call is replaced before it has none', async () => {
  const leaks = policyOf(`(global $calls (mut i32) (i32.const 0))
    (func (export "vcl_recv")
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (if (i32.eqz (i32.rem_u (global.get $calls) (i32.const 10)))
        (then (if (i32.lt_s (memory.grow (i32.const 1)) (i32.const 0)) (then unreachable)))))`);
  const { policy, failures } = await open(leaks, { policyPoolSize: 1 });
  for (let call = 0; call < 1_000; call++) policy.askNow('vcl_recv', REQUEST);
  assert.deepEqual(failures, []);
});

test('a policy that is closed makes no more instances', async () => {
  const { policy, said } = await open(
    policyOf(
      '(func (export "_initialize") (call $log_warn (call $input_offset))) (func (export "vcl_recv") unreachable)',
    ),
  );
  policy.askNow('vcl_recv', REQUEST);
  await policy.close();
  await turn();
  assert.equal(said.length, 2, 'those of the pool alone');
});
