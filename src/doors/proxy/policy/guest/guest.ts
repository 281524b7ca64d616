import type { Clock } from '../../../../base/clock.ts';
import { messageOf } from '../../../../base/errors.ts';
import { BOUND_EXPORTS } from '../wasm/bounded-module.ts';
import { type EngineGlobal, type EngineMemory, type EngineTable, engine } from '../wasm/engine.ts';
import { abortOf } from './abort.ts';
import { HOST_MODULES } from './check-imports.ts';
import type { CompiledPolicy } from './compiled-policy.ts';
import { Exchange } from './exchange.ts';
import { ExtismFunctions, type LogLevel } from './extism-functions.ts';
import { GuestFailure } from './guest-failure.ts';
import { wasiStubs } from './wasi-stubs.ts';

/** Instructions between two looks at the clock: some 50 µs of most code, and a look takes a tenth of one. */
const FUEL = 50_000;
/**
 * Whoever has not run so many yet is not late, whatever the clock says: a busy machine may stop us for longer than a
 * deadline at any instruction. Less than a ms of most code, and of the slowest a deadline or so.
 */
const FAIR_SHARE = 10 * FUEL;
/** A call of the host, in instructions. */
const HOST_CALL_COST = 1_000;
/** What runs once, when an instance is made: constructors of the language. */
const START_DEADLINE_MS = 1_000;
/** What compilers for WASI call what is to run first; an instance has at most one of them. */
const INITIALIZERS = ['__wasm_call_ctors', '_initialize'];

export interface GuestSurroundings {
  readonly clock: Clock;
  /** Of a call, in ms. */
  readonly deadline: number;
  log(level: LogLevel, text: string): void;
}

/** One instance of a policy's module. After a call that failed nothing is known of it, and it is not called again. */
export class Guest {
  readonly #around: GuestSurroundings;
  readonly #exports: Readonly<Record<string, unknown>>;
  readonly #exchange: Exchange;
  readonly #extism: ExtismFunctions;
  readonly #fuel: EngineGlobal;
  #deadlineAt = 0;
  #spent = 0;

  /** Throws `GuestFailure` where it cannot be started. */
  constructor({ module, hooks }: CompiledPolicy, around: GuestSurroundings) {
    this.#around = around;
    const { clock } = around;
    const checkDeadline = (): void => {
      this.#spent += HOST_CALL_COST;
      this.#checkDeadline();
    };
    this.#exchange = new Exchange(() => this.#refuel());
    this.#extism = new ExtismFunctions({ exchange: this.#exchange, checkDeadline, log: around.log });
    const memory = (): ArrayBuffer => this.#memory().buffer;
    const { exports } = instantiate(module, {
      [HOST_MODULES.extism]: this.#extism.functions,
      [HOST_MODULES.wasi]: wasiStubs({ clock, memory, checkDeadline }),
      [HOST_MODULES.assemblyScript]: { abort: abortOf(memory) },
    });
    this.#exports = exports;
    this.#fuel = exports[BOUND_EXPORTS.fuel] as EngineGlobal;
    (exports[BOUND_EXPORTS.refuel] as EngineTable).set(0, this.#exchange.refuel);
    for (const hook of hooks)
      if ((exports[hook] as () => unknown).length > 0)
        throw new GuestFailure('trap', `${hook} has parameters; hooks have none`);
    this.#start();
  }

  /** Instructions of the last call, at most. */
  get spent(): number {
    return this.#spent + FUEL - this.#fuel.value;
  }

  /** Bytes of its own memory. */
  get memoryBytes(): number {
    const { memory } = this.#exports as { memory?: unknown };
    return memory instanceof engine.Memory ? memory.buffer.byteLength : 0;
  }

  /** Asks and answers are JSON. @param hook one that it exports */
  call(hook: string, question: string): string {
    this.#exchange.begin(question);
    this.#extism.begin();
    const result = this.#run(hook, this.#around.deadline);
    if (result !== undefined && Number(result) !== 0) {
      const said = this.#exchange.error();
      throw new GuestFailure('error', said ?? `it returned ${result}, which says that it failed`);
    }
    return this.#exchange.output();
  }

  #start(): void {
    const initializer = INITIALIZERS.find((name) => typeof this.#exports[name] === 'function');
    for (const name of [BOUND_EXPORTS.start, initializer])
      if (name !== undefined && this.#exports[name] !== undefined) this.#run(name, START_DEADLINE_MS);
  }

  #run(name: string, deadline: number): unknown {
    this.#deadlineAt = this.#around.clock.elapsed() + deadline;
    this.#spent = 0;
    this.#fuel.value = FUEL;
    try {
      return (this.#exports[name] as () => unknown)();
    } catch (error) {
      if (error instanceof GuestFailure) throw error;
      throw new GuestFailure('trap', this.#exchange.error() ?? messageOf(error), { cause: error });
    }
  }

  #refuel(): void {
    this.#spent += FUEL - this.#fuel.value;
    this.#checkDeadline();
    this.#fuel.value = FUEL;
  }

  #checkDeadline(): void {
    if (this.#spent >= FAIR_SHARE && this.#around.clock.elapsed() > this.#deadlineAt)
      throw new GuestFailure('deadline', 'it did not end in time');
  }

  #memory(): EngineMemory {
    const { memory } = this.#exports as { memory?: unknown };
    if (memory instanceof engine.Memory) return memory;
    throw new GuestFailure(
      'trap',
      'it does not export its memory, as modules for WASI and of AssemblyScript do',
    );
  }
}

/** Where there is no memory for it, or a part of its data lies outside of its own. */
function instantiate(...[module, imports]: ConstructorParameters<typeof engine.Instance>) {
  try {
    return new engine.Instance(module, imports);
  } catch (error) {
    throw new GuestFailure('trap', messageOf(error), { cause: error });
  }
}
