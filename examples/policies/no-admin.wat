;; Refuses whatever is below /admin, and has no more to it than that.
(module
  (import "extism:host/env" "input_length" (func $input_length (result i64)))
  (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
  (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
  (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
  (memory (export "memory") 1 1)
  (data (i32.const 0) "\"url\":\"/admin") ;; 13 bytes
  (data (i32.const 64) "{\"action\":\"synth\",\"synth\":{\"status\":403,\"body\":\"Not for you.\\n\"}}") ;; 65 bytes

  (func (export "vcl_recv") (result i32)
    (local $at i64) (local $end i64)
    (local.set $end (i64.sub (call $input_length) (i64.const 13)))
    (block $nowhere
      (loop $next
        (br_if $nowhere (i64.gt_s (local.get $at) (local.get $end)))
        (if (call $stands_at (local.get $at)) (then (call $refuse) (return (i32.const 0))))
        (local.set $at (i64.add (local.get $at) (i64.const 1)))
        (br $next)))
    (i32.const 0)) ;; no answer: go on

  (func $stands_at (param $at i64) (result i32)
    (local $i i32)
    (loop $next
      (if (i32.ne
            (call $input_load_u8 (i64.add (local.get $at) (i64.extend_i32_u (local.get $i))))
            (i32.load8_u (local.get $i)))
        (then (return (i32.const 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 13))))
    (i32.const 1))

  (func $refuse
    (local $block i64) (local $i i32)
    (local.set $block (call $alloc (i64.const 65)))
    (loop $next
      (call $store_u8
        (i64.add (local.get $block) (i64.extend_i32_u (local.get $i)))
        (i32.load8_u offset=64 (local.get $i)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 65))))
    (call $output_set (local.get $block) (i64.const 65))))
