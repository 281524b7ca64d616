import { BOUND_EXPORTS, boundModule } from '../../src/doors/proxy/policy/wasm/bounded-module.ts';
import { type EngineGlobal, type EngineTable, engine } from '../../src/doors/proxy/policy/wasm/engine.ts';
import { compileWat } from './compile-policy.ts';

const PAGE = 65_536;
export const MAX_MEMORY = 4 * PAGE;

export class OutOfFuel extends Error {}

/** An instance that may run so many instructions, and how many it has run. */
export function bounded(module: Uint8Array, fuel = 10_000_000, maxMemory = MAX_MEMORY) {
  const compiled = new engine.Module(boundModule(module, 0, maxMemory));
  const { exports } = new engine.Instance(compiled, {});
  const tank = exports[BOUND_EXPORTS.fuel] as EngineGlobal;
  const refuel = compileWat('(module (import "h" "f" (func $f)) (export "f" (func $f)))');
  const outOfFuel = new engine.Instance(new engine.Module(refuel), {
    h: {
      f: () => {
        throw new OutOfFuel();
      },
    },
  });
  (exports[BOUND_EXPORTS.refuel] as EngineTable).set(0, outOfFuel.exports['f']);
  tank.value = fuel;
  (exports[BOUND_EXPORTS.start] as (() => void) | undefined)?.();
  return {
    exports: exports as Record<string, (...args: unknown[]) => unknown>,
    spent: () => fuel - tank.value,
  };
}

export function plain(module: Uint8Array) {
  const { exports } = new engine.Instance(new engine.Module(module), {});
  return exports as Record<string, (...args: unknown[]) => unknown>;
}
