import { messageOf } from '../../../../base/errors.ts';
import { POLICY_HOOKS, type PolicyHook } from '../policy.ts';
import { boundModule } from '../wasm/bounded-module.ts';
import { engine } from '../wasm/engine.ts';
import { moduleRefusal } from '../wasm/module-refusal.ts';
import { checkImports } from './check-imports.ts';

/** A policy's module as it is run. */
export interface CompiledPolicy {
  readonly module: WebAssembly.Module;
  readonly hooks: ReadonlySet<PolicyHook>;
}

/**
 * Compiled off the main thread; only its bounds are set on it, some ms a megabyte.
 * Throws `POLICY_INVALID` with the reason, without the file's name.
 * @param maxMemory bytes
 */
export async function compilePolicy(bytes: Uint8Array, maxMemory: number): Promise<CompiledPolicy> {
  const given = await compile(bytes, 'it is no WebAssembly module');
  const imported = checkImports(given);
  const exported = new Set<string>();
  for (const { name, kind } of engine.Module.exports(given)) {
    if (name.startsWith('velocity:'))
      throw moduleRefusal(`it exports "${name}", a name that is not for modules`);
    if (kind === 'function') exported.add(name);
  }
  const hooks = new Set(POLICY_HOOKS.filter((hook) => exported.has(hook)));
  if (hooks.size === 0) throw moduleRefusal(`it exports none of the hooks: ${POLICY_HOOKS.join(', ')}`);
  const bounded = boundModule(bytes, imported, maxMemory);
  return { module: await compile(bounded, 'no bounds can be set on it'), hooks };
}

async function compile(bytes: Uint8Array, refusal: string): Promise<WebAssembly.Module> {
  try {
    return await engine.compile(bytes);
  } catch (error) {
    throw moduleRefusal(`${refusal}: ${messageOf(error).replace(/^WebAssembly\.\w+\(\): /, '')}`);
  }
}
