import { systemClock } from '../../src/base/clock.ts';
import { compilePolicy } from '../../src/doors/proxy/policy/guest/compiled-policy.ts';
import { Guest, type GuestSurroundings } from '../../src/doors/proxy/policy/guest/guest.ts';
import { compileWat } from './compile-policy.ts';

const MAX_MEMORY = 2 ** 20;

/** An instance of a policy, and the lines that it wrote to the log. */
export async function openGuest(module: Uint8Array, around: Partial<GuestSurroundings> = {}) {
  const said: string[] = [];
  const guest = new Guest(await compilePolicy(module, MAX_MEMORY), {
    clock: systemClock,
    deadline: 50,
    log: (level, text) => said.push(`${level}: ${text}`),
    ...around,
  });
  return { guest, said };
}

const EXTISM_IMPORTS: Readonly<Record<string, string>> = {
  alloc: '(param i64) (result i64)',
  free: '(param i64)',
  length: '(param i64) (result i64)',
  length_unsafe: '(param i64) (result i64)',
  load_u8: '(param i64) (result i32)',
  load_u64: '(param i64) (result i64)',
  store_u8: '(param i64 i32)',
  store_u64: '(param i64 i64)',
  input_offset: '(result i64)',
  input_length: '(result i64)',
  input_load_u8: '(param i64) (result i32)',
  input_load_u64: '(param i64) (result i64)',
  output_set: '(param i64 i64)',
  error_set: '(param i64)',
  error_get: '(result i64)',
  config_get: '(param i64) (result i64)',
  var_get: '(param i64) (result i64)',
  var_set: '(param i64 i64)',
  log_warn: '(param i64)',
  get_log_level: '(result i32)',
  http_request: '(param i64 i64) (result i64)',
};

/** A policy in WebAssembly's text, with Extism's functions under their names, and `$say`: gives a text of its memory as a block. */
export function policyOf(body: string): Buffer {
  const imports = Object.entries(EXTISM_IMPORTS).map(
    ([name, type]) => `(import "extism:host/env" "${name}" (func $${name} ${type}))`,
  );
  return compileWat(`(module ${imports.join('\n')}
    (memory (export "memory") 1)
    (func $say (param $from i32) (param $length i32) (result i64) (local $block i64) (local $i i32)
      (local.set $block (call $alloc (i64.extend_i32_u (local.get $length))))
      (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $length)))
        (call $store_u8 (i64.add (local.get $block) (i64.extend_i32_u (local.get $i)))
          (i32.load8_u (i32.add (local.get $from) (local.get $i))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
      (local.get $block))
    (func $answer (param $block i64) (call $output_set (local.get $block) (call $length (local.get $block))))
    ${body})`);
}

/** A policy that always answers this. */
export function answering(answer: string, hook = 'vcl_recv'): Buffer {
  const escaped = answer.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  return policyOf(`(data (i32.const 0) "${escaped}")
    (func (export "${hook}") (call $answer (call $say (i32.const 0) (i32.const ${Buffer.byteLength(answer)}))))`);
}
