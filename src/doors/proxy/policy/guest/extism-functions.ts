import { EXCHANGE_FUNCTIONS, type Exchange } from './exchange.ts';
import { GuestFailure } from './guest-failure.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export const EXTISM_FUNCTIONS: readonly string[] = [
  ...EXCHANGE_FUNCTIONS,
  ...['config_get', 'var_get', 'var_set', 'get_log_level'],
  ...['http_request', 'http_status_code', 'http_headers'],
  ...LOG_LEVELS.map((level) => `log_${level}`),
];

const MAX_VARIABLES = 64;
const MAX_VARIABLE_BYTES = 64 * 1024;
const MAX_NAME_BYTES = 256;
/** Of one call. */
const MAX_LOG_LINES = 16;

/** What Extism's functions need of the guest that calls them. */
export interface ExtismSurroundings {
  readonly exchange: Exchange;
  /** Throws once the deadline is past: time that is spent in the host costs no fuel. */
  checkDeadline(): void;
  log(level: LogLevel, text: string): void;
}

/** Extism's functions for one guest. Addresses are bigints of 64 bits. */
export class ExtismFunctions {
  readonly #around: ExtismSurroundings;
  readonly #variables = new Map<string, Uint8Array>();
  #logLines = 0;

  constructor(around: ExtismSurroundings) {
    this.#around = around;
  }

  begin(): void {
    this.#logLines = 0;
  }

  get functions(): Readonly<Record<string, unknown>> {
    return {
      ...this.#around.exchange.functions,
      config_get: () => this.#nothing(), // a policy has no settings of its own
      var_get: (name: bigint) => this.#variable(name),
      var_set: (name: bigint, value: bigint) => this.#setVariable(name, value),
      get_log_level: () => LOG_LEVELS.indexOf('info'),
      http_request: () => this.#refuseNetwork(),
      http_status_code: () => this.#refuseNetwork(),
      http_headers: () => this.#refuseNetwork(),
      ...Object.fromEntries(
        LOG_LEVELS.map((level) => [`log_${level}`, (text: bigint) => this.#log(level, text)]),
      ),
    };
  }

  #nothing(): bigint {
    this.#around.checkDeadline();
    return 0n;
  }

  #variable(name: bigint): bigint {
    const { exchange, checkDeadline } = this.#around;
    checkDeadline();
    const value = this.#variables.get(exchange.text(Number(name), MAX_NAME_BYTES));
    return value === undefined ? 0n : BigInt(exchange.store(value));
  }

  #setVariable(name: bigint, value: bigint): void {
    const { exchange, checkDeadline } = this.#around;
    checkDeadline();
    const key = exchange.text(Number(name), MAX_NAME_BYTES);
    if (value === 0n) {
      this.#variables.delete(key);
      return;
    }
    const bytes = exchange.copy(Number(value));
    let total = bytes.length;
    for (const [other, { length }] of this.#variables) if (other !== key) total += length;
    if (total > MAX_VARIABLE_BYTES || this.#variables.size >= MAX_VARIABLES)
      throw new GuestFailure(
        'trap',
        `variables hold up to ${MAX_VARIABLES} values of ${MAX_VARIABLE_BYTES} bytes together`,
      );
    this.#variables.set(key, bytes);
  }

  #log(level: LogLevel, text: bigint): void {
    this.#around.checkDeadline();
    if (++this.#logLines > MAX_LOG_LINES) return;
    this.#around.log(level, this.#around.exchange.text(Number(text)));
  }

  #refuseNetwork(): never {
    throw new GuestFailure('trap', 'it asked for the network, which policies do not have');
  }
}
