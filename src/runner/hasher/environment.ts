import { digestOf } from '../../base/digest.ts';

/** The declared variables and their values, sorted by name; `null` is not set. `API_*` takes all that begin so. */
export function declaredVariables(
  names: readonly string[],
  env: NodeJS.ProcessEnv,
): [string, string | null][] {
  const chosen = new Set<string>();
  for (const name of names) {
    if (!name.endsWith('*')) {
      chosen.add(name);
      continue;
    }
    const prefix = name.slice(0, -1);
    for (const set of Object.keys(env)) if (set.startsWith(prefix)) chosen.add(set);
  }
  return [...chosen].sort().map((name) => [name, env[name] ?? null]);
}

/** A value's stand-in where it must not be shown: tells two values apart and gives neither away at a glance. */
export function veil(value: string | null): string | null {
  return value === null ? null : digestOf(value).slice(0, 12);
}
