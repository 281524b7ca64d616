import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bounded, MAX_MEMORY, OutOfFuel } from '../../../../../test/rig/bounded-instance.ts';
import { compileWat } from '../../../../../test/rig/compile-policy.ts';
import { boundModule } from './bounded-module.ts';
import { type EngineMemory, engine } from './engine.ts';

const PAGE = 65_536;

describe('what runs ends', () => {
  for (const [what, code] of Object.entries({
    'a loop': '(loop $l (br $l))',
    'a loop in a branch': '(if (i32.const 1) (then (loop $l (br_if $l (i32.const 1)))))',
    'a loop by a table': '(loop $l (br_table $l $l (i32.const 0)))',
    'two functions that call each other': '(loop $l (call $fewer (i32.const 20)) (br $l))',
    'filling memory': '(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br $l))',
    'copying memory': '(loop $l (memory.copy (i32.const 0) (i32.const 1) (i32.const 65000)) (br $l))',
    'asking for memory': '(loop $l (drop (memory.grow (i32.const 0))) (br $l))',
  }))
    test(`${what} runs out of fuel`, () => {
      const module = compileWat(`(module (memory 1)
        (func $fewer (param i32) (if (local.get 0) (then (call $fewer (i32.sub (local.get 0) (i32.const 1))))))
        (func (export "run") ${code}))`);
      assert.throws(() => bounded(module).exports['run']?.(), OutOfFuel);
    });

  test('what is paid for is at least what is run, and not much more', () => {
    const module = compileWat(`(module (func (export "run") (param $n i32)
      (loop $l (local.set $n (i32.sub (local.get $n) (i32.const 1))) (br_if $l (local.get $n)))))`);
    const { exports, spent } = bounded(module);
    exports['run']?.(1_000);
    assert.ok(spent() >= 6 * 1_000 && spent() <= 9 * 1_000, String(spent()));
  });

  test('bytes that are filled are paid for by their number', () => {
    const module = compileWat(
      '(module (memory 1) (func (export "run") (param i32) (memory.fill (i32.const 0) (i32.const 7) (local.get 0))))',
    );
    const few = bounded(module);
    few.exports['run']?.(0);
    const many = bounded(module);
    many.exports['run']?.(64_000);
    assert.equal(many.spent() - few.spent(), 2_000);
  });

  test('a start function runs once there is fuel, and ends', () => {
    const module = compileWat('(module (func $s (loop $l (br $l))) (start $s) (func (export "run")))');
    assert.throws(() => bounded(module), OutOfFuel);
  });
});

describe('memory', () => {
  for (const limits of ['1', '1 3', '1 65536', '4 4'])
    test(`(memory ${limits}) grows to what it says and what is allowed`, () => {
      const module = compileWat(
        `(module (memory (export "memory") ${limits}) (func (export "run") (loop $l (br_if $l (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0))))))`,
      );
      const { exports } = bounded(module);
      exports['run']?.();
      const pages = (exports['memory'] as unknown as EngineMemory).buffer.byteLength / PAGE;
      assert.equal(pages, limits === '1 3' ? 3 : 4);
    });

  test('tables grow to a limit', () => {
    const module = compileWat(
      `(module (table 1 externref) (func (export "run") (result i32)
        (loop $l (br_if $l (i32.ge_s (table.grow (ref.null extern) (i32.const 1000)) (i32.const 0)))) (table.size)))`,
    );
    const size = Number(bounded(module).exports['run']?.());
    assert.ok(size > 90_000 && size <= 100_000, String(size));
  });
});

describe('what is refused says why', () => {
  const cases: readonly [string, RegExp, object?][] = [
    ['(module (memory 5))', /begins with 320KiB of memory, and proxy\.policy\.max_memory is 256KiB/],
    ['(module (memory 1 1 shared))', /its memory is shared/, { threads: true }],
    ['(module (memory i64 1))', /addresses of 64 bits/, { memory64: true }],
    ['(module (table 100001 funcref))', /begins with 100001 entries/],
    [
      '(module (func $f (return_call $f)))',
      /instruction 0x12 at byte 1 of a function is of a proposal/,
      { tail_call: true },
    ],
    ['(module (tag) (func (try (do) (catch_all))))', /section 13/, { exceptions: true }],
    ['(module (func (try (do) (catch_all))))', /instruction 0x6 /, { exceptions: true }],
    [
      '(module (memory 1) (func (drop (i32.atomic.load (i32.const 0)))))',
      /instruction 0xfe /,
      { threads: true },
    ],
    [
      '(module (func (drop (f32x4.relaxed_madd (v128.const i64x2 0 0) (v128.const i64x2 0 0) (v128.const i64x2 0 0)))))',
      /0xfd 261/,
      { relaxed_simd: true },
    ],
  ];
  for (const [text, reason, features = {}] of cases)
    test(text, () => {
      assert.throws(
        () => boundModule(compileWat(text, features), 0, MAX_MEMORY),
        (error: Error) => {
          assert.equal((error as { code?: string }).code, 'POLICY_INVALID');
          assert.match(error.message, reason);
          return true;
        },
      );
    });

  test('types of later proposals, wherever one stands', () => {
    const blockOfTypedReference = moduleOf([0, 0x02, 0x63, 0x70, 0xd0, 0x70, 0x0b, 0x1a, 0x0b]);
    const localOfTypedReference = moduleOf([1, 1, 0x63, 0x70, 0x0b]);
    for (const module of [blockOfTypedReference, localOfTypedReference]) {
      new engine.Module(module); // the engine knows them
      assert.throws(() => boundModule(module, 0, MAX_MEMORY), /a type 0x63 is of a proposal/);
    }
  });
});

/** A module of one function with this body. */
function moduleOf(body: readonly number[]): Buffer {
  return Buffer.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0],
    ...[10, body.length + 2, 1, body.length, ...body],
  ]);
}
