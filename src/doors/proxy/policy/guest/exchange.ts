import { type EngineMemory, engine } from '../wasm/engine.ts';
import { EXCHANGE_BASE64 } from './exchange-module.ts';
import { GuestFailure } from './guest-failure.ts';

/** As `exchange.wat` has it. */
const INPUT_AT = 64;

const MAX_INPUT_BYTES = 1024 * 1024;
const MAX_OUTPUT_BYTES = 256 * 1024;
/** Of UTF-8, for a code unit of UTF-16. */
const MOST_BYTES_A_UNIT = 3;

export const EXCHANGE_FUNCTIONS = [
  'alloc',
  'free',
  'length',
  'length_unsafe',
  'load_u8',
  'load_u64',
  'store_u8',
  'store_u64',
  'input_offset',
  'input_length',
  'input_load_u8',
  'input_load_u64',
  'output_set',
  'error_set',
  'error_get',
] as const;

interface ExchangeExports {
  readonly memory: EngineMemory;
  readonly refuel: () => void;
  begin(length: number): void;
  output(): number;
  outputLength(): number;
  error(): number;
  lengthAt(at: number): number;
  allocate(length: number): number;
}

let compiled: WebAssembly.Module | undefined;

/** The memory through which a guest gets questions and gives answers: apart from its own, and made for it alone. */
export class Exchange {
  readonly #exports: ExchangeExports;
  readonly #bytes: Buffer;

  constructor(refuel: () => void) {
    compiled ??= new engine.Module(Buffer.from(EXCHANGE_BASE64, 'base64'));
    const { exports } = new engine.Instance(compiled, { host: { refuel } });
    this.#exports = exports as unknown as ExchangeExports;
    this.#bytes = Buffer.from(this.#exports.memory.buffer);
  }

  /** Those functions of Extism that are of memory alone. */
  get functions(): Readonly<Record<string, unknown>> {
    const exports = this.#exports as unknown as Readonly<Record<string, unknown>>;
    return Object.fromEntries(EXCHANGE_FUNCTIONS.map((name) => [name, exports[name]]));
  }

  get refuel(): () => void {
    return this.#exports.refuel;
  }

  begin(input: string): void {
    if (input.length * MOST_BYTES_A_UNIT > MAX_INPUT_BYTES && Buffer.byteLength(input) > MAX_INPUT_BYTES)
      throw new GuestFailure('question', `the question has more than ${MAX_INPUT_BYTES} bytes`);
    this.#exports.begin(this.#bytes.write(input, INPUT_AT, 'utf8'));
  }

  output(): string {
    const length = this.#exports.outputLength();
    if (length > MAX_OUTPUT_BYTES)
      throw new GuestFailure(
        'answer',
        `the answer has ${length} bytes, which is more than ${MAX_OUTPUT_BYTES}`,
      );
    const at = this.#exports.output();
    return this.#bytes.toString('utf8', at, at + length);
  }

  /** What the guest said of its failure. */
  error(): string | undefined {
    const at = this.#exports.error();
    return at === 0 ? undefined : this.text(at);
  }

  /** A block's text. @param maxBytes of it are read */
  text(at: number, maxBytes = 1024): string {
    return this.#bytes.toString('utf8', at, at + Math.min(this.#exports.lengthAt(at), maxBytes));
  }

  /** A block's bytes, as a copy. */
  copy(at: number): Buffer {
    return Buffer.from(this.#bytes.subarray(at, at + this.#exports.lengthAt(at)));
  }

  /** A new block with these bytes; 0 where there is no more room. */
  store(bytes: Uint8Array): number {
    const at = this.#exports.allocate(bytes.length);
    if (at !== 0) this.#bytes.set(bytes, at);
    return at;
  }
}
