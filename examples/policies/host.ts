// How a policy in AssemblyScript gets its question and gives its answer: Extism's functions, which the host provides.
@external("extism:host/env", "input_length")
declare function input_length(): u64;
@external("extism:host/env", "input_load_u8")
declare function input_load_u8(at: u64): u8;
@external("extism:host/env", "input_load_u64")
declare function input_load_u64(at: u64): u64;
@external("extism:host/env", "alloc")
declare function alloc(length: u64): u64;
@external("extism:host/env", "store_u8")
declare function store_u8(at: u64, value: u8): void;
@external("extism:host/env", "store_u64")
declare function store_u64(at: u64, value: u64): void;
@external("extism:host/env", "output_set")
declare function output_set(at: u64, length: u64): void;

/** The question: JSON. */
export function question(): string {
  const length = <usize>input_length();
  const bytes = new ArrayBuffer(<i32>length);
  const start = changetype<usize>(bytes);
  let at: usize = 0;
  for (; at + 8 <= length; at += 8) store<u64>(start + at, input_load_u64(at));
  for (; at < length; at++) store<u8>(start + at, input_load_u8(at));
  return String.UTF8.decode(bytes);
}

/** Gives the answer, and is what a hook returns. */
export function answer(json: string): i32 {
  const bytes = String.UTF8.encode(json);
  const length = <usize>bytes.byteLength;
  const start = changetype<usize>(bytes);
  const block = alloc(length);
  let at: usize = 0;
  for (; at + 8 <= length; at += 8) store_u64(block + at, load<u64>(start + at));
  for (; at < length; at++) store_u8(block + at, load<u8>(start + at));
  output_set(block, length);
  return 0;
}

/** To go on as without a policy. */
export function noOpinion(): i32 {
  return 0;
}

/** What stands between quotes after this; empty where it is not there. The proxy writes no blanks between parts. */
export function textAfter(json: string, before: string): string {
  const found = json.indexOf(before);
  if (found < 0) return "";
  const start = found + before.length;
  return json.substring(start, json.indexOf('"', start));
}
