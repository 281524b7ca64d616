import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bounded, MAX_MEMORY, plain } from '../../../../../test/rig/bounded-instance.ts';
import { compileAssemblyScript, compileWat } from '../../../../../test/rig/compile-policy.ts';
import { openTempFolder } from '../../../../../test/rig/temp-folder.ts';
import { boundModule } from './bounded-module.ts';
import { engine } from './engine.ts';

/** What a call gives, or the class of what it throws. */
function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return (error as Error).name;
  }
}

describe('what runs is what was written', () => {
  test('functions of AssemblyScript give what they gave', async () => {
    await using folder = await openTempFolder();
    const path = join(folder.path, 'functions.ts');
    await writeFile(path, FUNCTIONS);
    for (const options of [[], ['--runtime', 'stub'], ['--optimizeLevel', '0']]) {
      const module = await compileAssemblyScript(path, [...options, '--use', `abort=functions/quiet`]);
      const [before, after] = [plain(module), bounded(module, 2 ** 31 - 1, 2 ** 30).exports];
      fc.assert(
        fc.property(
          fc.constantFrom('fibonacci', 'primes', 'sorted', 'words', 'hash', 'floats', 'deep'),
          fc.nat(60),
          (name, n) => {
            assert.deepEqual(
              outcome(() => after[name]?.(n)),
              outcome(() => before[name]?.(n)),
            );
          },
        ),
        { numRuns: 60 },
      );
    }
  });

  test('any nesting of blocks, branches and loops does what it did', () => {
    fc.assert(
      fc.property(fc.array(statement, { maxLength: 6 }), fc.nat(20), (body, n) => {
        const module = compileWat(program(body.join('\n')));
        assert.deepEqual(
          outcome(() => bounded(module).exports['run']?.(n)),
          outcome(() => plain(module)['run']?.(n)),
        );
      }),
      { numRuns: 150 },
    );
  });

  test('every kind of instruction is read to its end', () => {
    const module = compileWat(EVERYTHING);
    assert.deepEqual(bounded(module).exports['run']?.(3), plain(module)['run']?.(3));
  });

  test('whatever is made of a module is refused, or is a module again', () => {
    const good = compileWat(EVERYTHING);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, cut) => {
        const bent = Buffer.from(good);
        bent[at] = byte;
        for (const module of [bent, bent.subarray(0, cut)]) {
          let result: Uint8Array;
          try {
            new engine.Module(module);
            result = boundModule(module, 0, MAX_MEMORY);
          } catch (error) {
            if ((error as Error).name === 'CompileError') continue;
            assert.equal((error as { code?: string }).code, 'POLICY_INVALID', String(error));
            continue;
          }
          new engine.Module(result);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

const FUNCTIONS = `
export function quiet(m: string | null, f: string | null, l: u32, c: u32): void {}
export function fibonacci(n: i32): i32 { n = n % 20; return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
export function primes(n: i32): i32 {
  let count = 0;
  for (let i = 2; i < n * 10; i++) {
    let isPrime = true;
    for (let j = 2; j * j <= i; j++) { if (i % j) continue; isPrime = false; break; }
    if (isPrime) count++;
  }
  return count;
}
export function sorted(n: i32): i32 {
  const list: i32[] = [];
  for (let i = 0; i < n; i++) list.push((i * 7919) % 101);
  list.sort((a, b) => a - b);
  let sum = 0;
  for (let i = 0; i < n; i++) sum = sum * 31 + list[i];
  return sum;
}
export function words(n: i32): i32 {
  let text = '';
  for (let i = 0; i < n; i++) text += i.toString() + ',';
  const map = new Map<string, i32>();
  const parts = text.split(',');
  for (let at = 0; at < parts.length; at++) map.set(parts[at].padStart(3, '0'), at);
  return map.has('007') ? map.get('007') + text.length : text.indexOf('9');
}
export function hash(n: i32): i64 {
  let h: u64 = 0xcbf29ce484222325;
  for (let i = 0; i < n; i++) h = rotl((h ^ i) * 0x100000001b3, 5);
  return h;
}
export function floats(n: i32): f64 { let x = 1.0; for (let i = 0; i < n; i++) x = Math.sin(x) + Math.sqrt(x * n); return x; }
export function deep(n: i32): i32 { switch (n % 5) { case 0: return 1; case 1: { let i = 0; do { i += 3; } while (i < n); return i; } case 2: memory.fill(1024, 7, n); return load<u8>(1024); default: return n / (n - 3); } }
`;

const expression = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer({ min: -100, max: 100 }).map((n) => `(i32.const ${n})`),
    fc.constantFrom('(local.get $n)', '(local.get $x)'),
    fc
      .tuple(fc.constantFrom('add', 'sub', 'mul', 'and', 'lt_s', 'div_s'), tie('value'), tie('value'))
      .map(([op, a, b]) => `(i32.${op} ${a} ${b})`),
    fc
      .tuple(tie('value'), tie('value'), tie('value'))
      .map(([c, a, b]) => `(if (result i32) ${c} (then ${a}) (else ${b}))`),
    fc
      .tuple(tie('value'), tie('value'))
      .map(([a, c]) => `(block (result i32) (drop (br_if 0 ${a} ${c})) (i32.const 5))`),
  ),
})).value;

const statement: fc.Arbitrary<string> = fc.letrec<{ statement: string }>((tie) => {
  const body = fc.array(tie('statement'), { maxLength: 3 }).map((all) => all.join(' '));
  return {
    statement: fc.oneof(
      { maxDepth: 4 },
      expression.map((value) => `(local.set $x ${value})`),
      fc.tuple(expression, body, body).map(([c, a, b]) => `(if ${c} (then ${a}) (else ${b}))`),
      fc
        .tuple(body, expression)
        .map(
          ([all, c]) => `(block ${all} (br_if 0 ${c}) (local.set $x (i32.add (local.get $x) (i32.const 1))))`,
        ),
      // Every loop counts in one counter, so that what is written ends.
      body.map(
        (all) =>
          `(loop ${all} (local.set $turns (i32.add (local.get $turns) (i32.const 1))) (br_if 0 (i32.lt_s (local.get $turns) (local.get $n))))`,
      ),
      expression.map((value) => `(local.set $x (call $twice ${value}))`),
      fc.constant('(if (i32.gt_s (local.get $x) (i32.const 90)) (then (return (local.get $x))))'),
    ),
  };
}).statement;

function program(body: string): string {
  return `(module
    (func $twice (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
    (func (export "run") (param $n i32) (result i32) (local $x i32) (local $turns i32) ${body} (local.get $x)))`;
}

const EVERYTHING = `(module
  (type $two (func (param i32 i32) (result i32 i32)))
  (memory 1)
  (table $t 4 funcref)
  (table $x 2 externref)
  (global $g (mut i64) (i64.const 123456789012))
  (data $d "some data")
  (elem $e funcref (ref.func $swap))
  (elem (table $t) (i32.const 1) func $swap)
  (func $swap (type $two) (local.get 1) (local.get 0))
  (func $lengthy (param i32)
    (memory.init $d (i32.const 0) (i32.const 0) (i32.const 9)) (data.drop $d)
    (memory.copy (i32.const 100) (i32.const 0) (i32.const 9))
    (memory.fill (i32.const 200) (i32.const 65) (local.get 0))
    (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop $e)
    (table.copy $t $t (i32.const 2) (i32.const 0) (i32.const 1))
    (table.fill $x (i32.const 0) (ref.null extern) (i32.const 1))
    (table.set $t (i32.const 3) (table.get $t (i32.const 0)))
    (drop (table.grow $x (ref.null extern) (i32.const 1))))
  (func $numbers (param f64) (result i64)
    (i64.add (i64.trunc_sat_f64_s (f64.mul (local.get 0) (f64.const 1.5)))
      (i64.extend8_s (i64.extend_i32_u (i32.trunc_f32_s (f32.demote_f64 (f64.const 200)))))))
  (func $vectors (result i32) (local $v v128)
    (v128.store offset=16 (i32.const 304) (v128.const i32x4 1 2 3 4))
    (local.set $v (v128.load offset=320 (i32.const 0)))
    (local.set $v (i8x16.shuffle 0 1 2 3 4 5 6 7 0 1 2 3 4 5 6 7 (local.get $v) (local.get $v)))
    (local.set $v (v128.load32_lane 1 (i32.const 320) (local.get $v)))
    (local.set $v (i32x4.add (local.get $v) (v128.load32_zero (i32.const 324))))
    (local.set $v (i32x4.replace_lane 3 (local.get $v) (i32.const 40)))
    (i32.add (i32x4.extract_lane 3 (local.get $v)) (i32x4.extract_lane 0 (i32x4.mul (local.get $v) (i32x4.splat (i32.const 5))))))
  (func (export "run") (param $n i32) (result i64) (local $a i32) (local $b i32)
    (call $lengthy (local.get $n))
    (i32.const 1) (i32.const 2)
    (loop $l (param i32 i32) (result i32 i32)
      (call_indirect $t (type $two) (i32.const 1))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $l (local.get $n)))
    (local.set $a) (local.set $b)
    (block $o (block $i (br_table $i $o $i (local.get $n)))
      (local.set $a (i32.add (local.get $a) (select (result i32) (i32.const 3) (i32.const 4) (local.get $b)))))
    (global.set $g (i64.add (global.get $g) (call $numbers (f64.convert_i32_s (local.get $a)))))
    (drop (ref.is_null (ref.func $swap)))
    (i64.add (global.get $g)
      (i64.extend_i32_u (i32.add (call $vectors) (i32.add (i32.load8_u offset=100 (i32.const 3)) (i32.add (memory.size) (table.size $x)))))))
  (export "swap" (func $swap)))`;
