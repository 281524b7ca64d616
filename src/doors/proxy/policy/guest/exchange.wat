;; The memory through which host and guest exchange bytes, and Extism's functions on it. In WebAssembly, because guests
;; call them for every eight bytes: from one module to another that takes some nanoseconds, to JavaScript and back a
;; hundred, and a bigint. A block is 8 bytes of head (a mark, its length), then its bytes; addresses are of the bytes.
(module
  (import "host" "refuel" (func $refuel))
  (export "refuel" (func $refuel)) ;; a function of WebAssembly, as a table takes it
  (memory (export "memory") 64 64) ;; never grows, so that the host's view of it stays
  (global $mark i32 (i32.const 0x56435031))
  (global $input i32 (i32.const 64))
  (global $inputLength (mut i32) (i32.const 0))
  (global $top (mut i32) (i32.const 64))
  (global $output (mut i32) (i32.const 0))
  (global $outputLength (mut i32) (i32.const 0))
  (global $error (mut i32) (i32.const 0))

  ;; Of the host: forgets what was; the input of this length is written already.
  (func (export "begin") (param $length i32)
    (i32.store (i32.const 56) (global.get $mark))
    (i32.store (i32.const 60) (local.get $length))
    (global.set $inputLength (local.get $length))
    (global.set $top (i32.and (i32.add (i32.add (global.get $input) (local.get $length)) (i32.const 7)) (i32.const -8)))
    (global.set $output (i32.const 0))
    (global.set $outputLength (i32.const 0))
    (global.set $error (i32.const 0)))
  (func (export "output") (result i32) (global.get $output))
  (func (export "outputLength") (result i32) (global.get $outputLength))
  (func (export "error") (result i32) (global.get $error))
  (func (export "lengthAt") (param $at i32) (result i32)
    (i32.wrap_i64 (call $length (i64.extend_i32_u (local.get $at)))))
  (func (export "allocate") (param $length i32) (result i32)
    (i32.wrap_i64 (call $alloc (i64.extend_i32_u (local.get $length)))))

  ;; Of the guest.
  (func $alloc (export "alloc") (param $length i64) (result i64)
    (local $at i32) (local $end i32)
    (if (i64.eqz (local.get $length)) (then (return (i64.const 0))))
    (if (i64.gt_u (local.get $length) (i64.const 0x400000)) (then (return (i64.const 0))))
    (local.set $at (i32.add (global.get $top) (i32.const 8)))
    (local.set $end (i32.and
      (i32.add (i32.add (local.get $at) (i32.wrap_i64 (local.get $length))) (i32.const 7)) (i32.const -8)))
    (if (i32.gt_u (local.get $end) (i32.const 0x400000)) (then (return (i64.const 0))))
    (i32.store (global.get $top) (global.get $mark))
    (i32.store offset=4 (global.get $top) (i32.wrap_i64 (local.get $length)))
    (global.set $top (local.get $end))
    (i64.extend_i32_u (local.get $at)))

  ;; The block that was allocated last is given back; others are when the call is over.
  (func (export "free") (param $block i64)
    (local $at i32)
    (local.set $at (call $address (local.get $block)))
    (if (i32.eqz (i32.wrap_i64 (call $length (local.get $block)))) (then (return)))
    (if (i32.eq (local.get $at) (global.get $input)) (then (return)))
    (if (i32.eq (global.get $top)
          (i32.and
            (i32.add (i32.add (local.get $at) (i32.load offset=4 (i32.sub (local.get $at) (i32.const 8)))) (i32.const 7))
            (i32.const -8)))
      (then
        (i32.store (i32.sub (local.get $at) (i32.const 8)) (i32.const 0))
        (global.set $top (i32.sub (local.get $at) (i32.const 8))))))

  ;; 0 where no block is.
  (func $length (export "length") (export "length_unsafe") (param $block i64) (result i64)
    (local $at i32)
    (if (i64.gt_u (local.get $block) (i64.const 0x400000)) (then (return (i64.const 0))))
    (local.set $at (i32.wrap_i64 (local.get $block)))
    (if (i32.lt_u (local.get $at) (global.get $input)) (then (return (i64.const 0))))
    (if (i32.gt_u (local.get $at) (global.get $top)) (then (return (i64.const 0))))
    (if (i32.and (local.get $at) (i32.const 7)) (then (return (i64.const 0))))
    (if (i32.ne (i32.load (i32.sub (local.get $at) (i32.const 8))) (global.get $mark)) (then (return (i64.const 0))))
    (i64.load32_u offset=4 (i32.sub (local.get $at) (i32.const 8))))

  ;; Traps beyond 32 bits; the memory's end is for the engine to see.
  (func $address (param $at i64) (result i32)
    (if (i64.ne (i64.shr_u (local.get $at) (i64.const 32)) (i64.const 0)) (then (unreachable)))
    (i32.wrap_i64 (local.get $at)))
  (func (export "load_u8") (param $at i64) (result i32) (i32.load8_u (call $address (local.get $at))))
  (func (export "load_u64") (param $at i64) (result i64) (i64.load (call $address (local.get $at))))
  (func (export "store_u8") (param $at i64) (param $value i32)
    (i32.store8 (call $address (local.get $at)) (local.get $value)))
  (func (export "store_u64") (param $at i64) (param $value i64)
    (i64.store (call $address (local.get $at)) (local.get $value)))

  (func (export "input_offset") (result i64)
    (if (result i64) (global.get $inputLength)
      (then (i64.extend_i32_u (global.get $input))) (else (i64.const 0))))
  (func (export "input_length") (result i64) (i64.extend_i32_u (global.get $inputLength)))
  (func (export "input_load_u8") (param $at i64) (result i32)
    (if (i64.ge_u (local.get $at) (i64.extend_i32_u (global.get $inputLength))) (then (return (i32.const 0))))
    (i32.load8_u offset=64 (i32.wrap_i64 (local.get $at))))
  (func (export "input_load_u64") (param $at i64) (result i64)
    (if (i64.gt_s (i64.add (local.get $at) (i64.const 8)) (i64.extend_i32_u (global.get $inputLength)))
      (then (return (i64.const 0))))
    (i64.load offset=64 (call $address (local.get $at))))

  (func (export "output_set") (param $at i64) (param $length i64)
    (if (i64.gt_u (local.get $length) (i64.const 0x400000)) (then (unreachable)))
    (global.set $output (call $address (local.get $at)))
    (global.set $outputLength (i32.wrap_i64 (local.get $length)))
    (if (i32.gt_u (global.get $output) (i32.sub (i32.const 0x400000) (global.get $outputLength))) (then (unreachable))))
  (func (export "error_set") (param $block i64) (global.set $error (call $address (local.get $block))))
  (func (export "error_get") (result i64) (i64.extend_i32_u (global.get $error))))
