import { engine } from '../wasm/engine.ts';
import { moduleRefusal } from '../wasm/module-refusal.ts';
import { EXTISM_FUNCTIONS } from './extism-functions.ts';
import { WASI_FUNCTIONS } from './wasi-stubs.ts';

/** What guests may import, by the name of the module that they import it from. */
export const HOST_MODULES = {
  extism: 'extism:host/env',
  wasi: 'wasi_snapshot_preview1',
  /** Of AssemblyScript, which calls `abort` where another compiler traps. */
  assemblyScript: 'env',
} as const;

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  [HOST_MODULES.extism]: EXTISM_FUNCTIONS,
  [HOST_MODULES.wasi]: WASI_FUNCTIONS,
  [HOST_MODULES.assemblyScript]: ['abort'],
};

/** How many functions a module imports; `POLICY_INVALID` where it wants what guests do not have. */
export function checkImports(module: WebAssembly.Module): number {
  const imports = engine.Module.imports(module);
  for (const { module: from, name, kind } of imports) {
    if (kind !== 'function')
      throw moduleRefusal(`it imports a ${kind} ("${from}" "${name}"); a policy has its own`);
    if (!Object.hasOwn(KNOWN, from) || !KNOWN[from]?.includes(name))
      throw moduleRefusal(`it imports the function "${from}" "${name}", which policies do not have`);
  }
  return imports.length;
}
