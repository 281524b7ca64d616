import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { compileWat } from '../../../../../test/rig/compile-policy.ts';
import { openGuest, policyOf } from '../../../../../test/rig/policy-guest.ts';
import { systemClock } from '../../../../base/clock.ts';
import { compilePolicy } from './compiled-policy.ts';

const recv = (body: string, more = ''): Buffer => policyOf(`(func (export "vcl_recv") ${body}) ${more}`);

async function answerOf(module: Buffer, question = '{}'): Promise<string> {
  return (await openGuest(module)).guest.call('vcl_recv', question);
}

describe('Extism’s functions', () => {
  test('a guest that Extism’s kit for AssemblyScript made is asked and answers', async () => {
    const module = await readFile(new URL('./fixtures/assemblyscript-pdk.wasm', import.meta.url));
    const { guest, said } = await openGuest(module);
    const question = JSON.stringify({ text: 'ä'.repeat(50) });
    assert.deepEqual(
      [1, 2, 3].map(() => guest.call('vcl_hash', question)),
      [1, 2, 3].map((call) => `{"key":"${call} ${question.length}"}`),
    );
    assert.deepEqual(said, ['info: call 1', 'info: call 2', 'info: call 3']);
  });

  test('the committed exchange is what its text says', async () => {
    await promisify(execFile)(process.execPath, ['scripts/write-exchange-module.ts', '--check']);
  });

  test('the question is read by bytes, by words and as a block', async () => {
    const module = recv(`(local $b i64)
      (local.set $b (call $alloc (call $input_length)))
      (call $store_u64 (local.get $b) (call $input_load_u64 (i64.const 0)))
      (call $store_u8 (i64.add (local.get $b) (i64.const 8)) (call $input_load_u8 (i64.const 8)))
      (call $store_u8 (i64.add (local.get $b) (i64.const 9)) (call $load_u8 (i64.add (call $input_offset) (i64.const 9))))
      (call $answer (local.get $b))`);
    assert.equal(await answerOf(module, '0123456789'), '0123456789');
    assert.equal(await answerOf(module, ''), '', 'an empty block is none');
  });

  test('beyond the question there are zeros', async () => {
    const module = recv(`(local $b i64)
      (local.set $b (call $alloc (i64.const 2)))
      (call $store_u8 (local.get $b) (i32.add (i32.const 48) (call $input_load_u8 (i64.const 3))))
      (call $store_u8 (i64.add (local.get $b) (i64.const 1)) (i32.add (i32.const 48) (i32.wrap_i64 (call $input_load_u64 (i64.const 1)))))
      (call $answer (local.get $b))`);
    assert.equal(await answerOf(module, 'abc'), '00');
  });

  test('a block has its length, the one given back last is used again, and whatever else is none', async () => {
    const module = recv(`(local $a i64) (local $b i64)
      (local.set $a (call $alloc (i64.const 100)))
      (if (i64.ne (call $length (local.get $a)) (i64.const 100)) (then (unreachable)))
      (if (i64.ne (call $length_unsafe (local.get $a)) (i64.const 100)) (then (unreachable)))
      (if (i64.ne (call $length (i64.add (local.get $a) (i64.const 8))) (i64.const 0)) (then (unreachable)))
      (if (i64.ne (call $length (i64.const -1)) (i64.const 0)) (then (unreachable)))
      (call $free (local.get $a))
      (if (i64.ne (call $length (local.get $a)) (i64.const 0)) (then (unreachable)))
      (local.set $b (call $alloc (i64.const 50)))
      (if (i64.ne (local.get $a) (local.get $b)) (then (unreachable)))
      (if (i64.ne (call $alloc (i64.const 0)) (i64.const 0)) (then (unreachable)))
      (if (i64.ne (call $alloc (i64.const 5000000)) (i64.const 0)) (then (unreachable)))
      (if (i64.ne (call $alloc (i64.const -1)) (i64.const 0)) (then (unreachable)))
      (call $free (call $input_offset)) (call $free (i64.const 0))`);
    assert.equal(await answerOf(module, '{}'), '');
  });

  test('addresses outside of the exchange trap', async () => {
    for (const code of [
      '(drop (call $load_u8 (i64.const 0x400000)))',
      '(drop (call $load_u64 (i64.const 0x100000000)))',
      '(call $store_u64 (i64.const -1) (i64.const 1))',
      '(call $output_set (i64.const 64) (i64.const 0x3fffff))',
      '(call $output_set (i64.const 64) (i64.const -1))',
    ])
      await assert.rejects(answerOf(recv(code)), { kind: 'trap' }, code);
  });

  test('there is no network and no setting', async () => {
    await assert.rejects(answerOf(recv('(drop (call $http_request (i64.const 0) (i64.const 0)))')), {
      kind: 'trap',
      message: /network/,
    });
    assert.equal(
      await answerOf(
        recv('(if (i64.ne (call $config_get (i64.const 64)) (i64.const 0)) (then (unreachable)))'),
      ),
      '',
    );
  });

  test('variables are bounded', async () => {
    const module =
      recv(`(loop $l (call $var_set (call $say (i32.const 0) (i32.const 1)) (call $alloc (i64.const 40000)))
      (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1))) (br $l))`);
    await assert.rejects(answerOf(module), { kind: 'trap', message: /variables hold up to/ });
  });

  test('lines for the log are bounded in number and length', async () => {
    const { guest, said } = await openGuest(
      recv(
        '(local $i i32) (loop $l (call $log_warn (call $say (i32.const 0) (i32.const 5000))) (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (i32.const 50))))',
      ),
    );
    guest.call('vcl_recv', '{}');
    assert.equal(said.length, 16);
    assert.equal(said[0]?.length, 'warn: '.length + 1024);
  });

  test('an error that is set, and a result that is not 0, are a failure with its text', async () => {
    const said = recv(
      '(result i32) (call $error_set (call $say (i32.const 0) (i32.const 4))) (i32.const 1)',
      '(data (i32.const 0) "oh no")',
    );
    await assert.rejects(answerOf(said), { kind: 'error', message: 'oh n' });
    await assert.rejects(answerOf(recv('(result i32) (i32.const 7)')), {
      kind: 'error',
      message: /returned 7/,
    });
    assert.equal(await answerOf(recv('(result i32) (i32.const 0)')), '');
  });

  test('nothing of one call is in the next', async () => {
    const module = recv(`(if (call $input_load_u8 (i64.const 0)) (then (call $answer (call $input_offset)))
      (else (if (i64.ne (call $error_get) (i64.const 0)) (then (unreachable)))))`);
    const { guest } = await openGuest(module);
    assert.deepEqual([guest.call('vcl_recv', 'first'), guest.call('vcl_recv', '')], ['first', '']);
  });

  test('questions and answers have a size', async () => {
    await assert.rejects(answerOf(recv(''), 'x'.repeat(2 ** 20 + 1)), { kind: 'question' });
    await assert.rejects(answerOf(recv('(call $answer (call $alloc (i64.const 300000)))')), {
      kind: 'answer',
    });
  });
});

describe('a call ends', () => {
  test('at its deadline, and is counted', async () => {
    const { guest } = await openGuest(recv('(loop $l (br $l))'), { deadline: 5 });
    const startedAt = performance.now();
    assert.throws(() => guest.call('vcl_recv', '{}'), { kind: 'deadline' });
    assert.ok(performance.now() - startedAt >= 5);
    assert.ok(guest.spent >= 500_000);
  });

  test('at its deadline though it calls the host all the time', async () => {
    const { guest } = await openGuest(recv('(loop $l (drop (call $config_get (i64.const 64))) (br $l))'), {
      deadline: 5,
    });
    assert.throws(() => guest.call('vcl_recv', '{}'), { kind: 'deadline' });
  });

  test('not for a clock that jumps while it has hardly run', async () => {
    let time = 0;
    const clock = { ...systemClock, elapsed: () => (time += 1_000) };
    const { guest } = await openGuest(
      recv(
        '(local $i i32) (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (i32.const 20000))))',
      ),
      { clock },
    );
    assert.equal(guest.call('vcl_recv', '{}'), '');
  });

  for (const [what, body] of Object.entries({
    unreachable: 'unreachable',
    'a division by zero': '(drop (i32.div_s (i32.const 1) (i32.const 0)))',
    'a load outside of its memory': '(drop (i32.load (i32.const 0x7fffffff)))',
    'endless recursion': '(call $deeper)',
  }))
    test(`in a trap: ${what}`, async () => {
      await assert.rejects(answerOf(recv(body, '(func $deeper (call $deeper))')), { kind: 'trap' });
    });
});

describe('what a guest may bring', () => {
  const refusals: readonly [string, RegExp][] = [
    [
      '(module (import "env" "memory" (memory 1)) (func (export "vcl_recv")))',
      /imports a memory \("env" "memory"\)/,
    ],
    [
      '(module (import "extism:host/user" "shell" (func)) (func (export "vcl_recv")))',
      /"extism:host\/user" "shell"/,
    ],
    [
      '(module (import "extism:host/env" "begin" (func)) (func (export "vcl_recv")))',
      /"extism:host\/env" "begin"/,
    ],
    [
      '(module (import "wasi_snapshot_preview1" "path_oppen" (func)) (func (export "vcl_recv")))',
      /"path_oppen"/,
    ],
    ['(module (import "toString" "call" (func)) (func (export "vcl_recv")))', /"toString" "call"/],
    ['(module (func (export "on_request")))', /exports none of the hooks: vcl_recv, vcl_hash/],
    [
      '(module (func (export "vcl_recv")) (func (export "velocity:fuel")))',
      /"velocity:fuel", a name that is not/,
    ],
    ['(module (memory 17) (func (export "vcl_recv")))', /begins with 1088KiB of memory/],
  ];
  for (const [text, reason] of refusals)
    test(text, async () => {
      await assert.rejects(compilePolicy(compileWat(text), 2 ** 20), {
        code: 'POLICY_INVALID',
        message: reason,
      });
    });

  test('what is no module is refused by what is wrong', async () => {
    await assert.rejects(compilePolicy(Buffer.from('hello'), 2 ** 20), {
      code: 'POLICY_INVALID',
      message: /no WebAssembly module: expected magic word/,
    });
    await assert.rejects(compilePolicy(Buffer.alloc(0), 2 ** 20), { code: 'POLICY_INVALID' });
  });

  test('hooks have no parameters', async () => {
    const module = compileWat('(module (func (export "vcl_recv") (param i32)))');
    await assert.rejects(openGuest(module), { kind: 'trap', message: /vcl_recv has parameters/ });
  });

  test('initializers run once, and what they made is there', async () => {
    const module = recv(
      '(result i32) (i32.sub (global.get $g) (i32.const 11))',
      '(global $g (mut i32) (i32.const 0)) (func $s (global.set $g (i32.const 1))) (start $s) (func (export "_initialize") (global.set $g (i32.add (global.get $g) (i32.const 10))))',
    );
    const { guest } = await openGuest(module);
    assert.deepEqual([guest.call('vcl_recv', ''), guest.call('vcl_recv', '')], ['', '']);
  });

  test('an initializer that traps makes no instance', async () => {
    const module = recv('', '(func $s unreachable) (start $s)');
    await assert.rejects(openGuest(module), { kind: 'trap' });
  });

  test('abort of AssemblyScript says what and where', async () => {
    const module = compileWat(`(module (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "\\06\\00\\00\\00b\\00a\\00d\\00") (data (i32.const 20) "\\08\\00\\00\\00a\\00.\\00t\\00s\\00")
      (func (export "vcl_recv") (call $abort (i32.const 4) (i32.const 24) (i32.const 3) (i32.const 5))))`);
    await assert.rejects(answerOf(module), { kind: 'trap', message: 'bad (a.ts:3:5)' });
  });
});

describe('WASI without a world', () => {
  const wasi = (name: string, type: string, call: string): Buffer =>
    compileWat(`(module (import "wasi_snapshot_preview1" "${name}" (func $f ${type}))
      (memory (export "memory") 1) (func (export "vcl_recv") (result i32) ${call}))`);

  test('there are no variables, arguments, files and sockets', async () => {
    const none = (name: string): Buffer =>
      wasi(
        name,
        '(param i32 i32) (result i32)',
        '(i32.store (i32.const 8) (i32.const 9)) (i32.or (call $f (i32.const 8) (i32.const 12)) (i32.load (i32.const 8)))',
      );
    assert.equal(await answerOf(none('environ_sizes_get')), '');
    assert.equal(await answerOf(none('args_sizes_get')), '');
    const refused = (name: string, type: string, args: string): Promise<string> =>
      answerOf(wasi(name, type, `(call $f ${args})`));
    await assert.rejects(
      refused('fd_prestat_get', '(param i32 i32) (result i32)', '(i32.const 3) (i32.const 0)'),
      /returned 8/,
    );
    await assert.rejects(
      refused(
        'path_unlink_file',
        '(param i32 i32 i32) (result i32)',
        '(i32.const 3) (i32.const 0) (i32.const 0)',
      ),
      /returned 58/,
    );
    await assert.rejects(
      refused('sock_accept', '(param i32 i32 i32) (result i32)', '(i32.const 3) (i32.const 0) (i32.const 0)'),
      /returned 58/,
    );
  });

  test('the time of day is the clock’s, exit is a failure, and what is printed is lost', async () => {
    const clock = { ...systemClock, now: () => 5_000 };
    const time = wasi(
      'clock_time_get',
      '(param i32 i64 i32) (result i32)',
      `(drop (call $f (i32.const 0) (i64.const 1) (i32.const 8)))
      (i32.wrap_i64 (i64.sub (i64.load (i32.const 8)) (i64.const 5000000000)))`,
    );
    assert.equal((await openGuest(time, { clock })).guest.call('vcl_recv', ''), '');
    await assert.rejects(
      answerOf(wasi('proc_exit', '(param i32)', '(call $f (i32.const 0)) (i32.const 0)')),
      { kind: 'trap', message: 'it ended itself with 0' },
    );
    const print = wasi(
      'fd_write',
      '(param i32 i32 i32 i32) (result i32)',
      `(i32.store (i32.const 4) (i32.const 300))
      (drop (call $f (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))) (i32.sub (i32.load (i32.const 16)) (i32.const 300))`,
    );
    assert.equal(await answerOf(print), '');
  });
});
