import { flagName, type Setting, type Settings } from '../../config/setting.ts';

const SECTION = 'proxy.';

/** Settings beyond the proxy's own that `velocity proxy` has flags for. */
const SHARED: ReadonlySet<string> = new Set([
  'trusted.proxies',
  'drain.delay',
  'drain.timeout',
  'log.level',
  'log.requests',
]);

/** Flags that are not called after their settings, but as those of github.com/JYC11/velocity. */
const NAMES: Readonly<Record<string, string>> = {
  'proxy.max_entries': '--cache-max-capacity',
  'proxy.policy.path': '--wasm-policy-path',
  'proxy.policy.pool_size': '--wasm-pool-size',
};

/** Short ones of the same origin. Commander knows none of several letters. */
const SHORT: Readonly<Record<string, string>> = {
  '-h': '--host',
  '-p': '--port',
  '-cmc': '--cache-max-capacity',
  '-b': '--backend',
  '-wpp': '--wasm-policy-path',
  '-w': '--wasm-policy-path',
  '-wps': '--wasm-pool-size',
};

/** The longest first: `-wpp` is not `-w` of `pp`. */
const SHORT_NAMES = Object.keys(SHORT).sort((a, b) => b.length - a.length);

/** Those that take no value. */
const SWITCHES: ReadonlySet<string> = new Set(['--help', '--version', '-v']);

/** What the flag of a setting is called for `velocity proxy`: `--port` for `proxy.port`. */
export function proxyFlagOf(setting: Setting<unknown>): string | undefined {
  const { key } = setting;
  const named = NAMES[key];
  if (named !== undefined) return named;
  if (key.startsWith(SECTION)) return flagName({ ...setting, key: key.slice(SECTION.length) });
  return SHARED.has(key) ? flagName(setting) : undefined;
}

/** Those of these settings that have one. */
export function withProxyFlags(settings: Settings): Settings {
  return Object.fromEntries(
    Object.entries(settings).filter(([, setting]) => proxyFlagOf(setting) !== undefined),
  );
}

/** Short flags of a setting's flag, for help texts. */
export function shortNamesOf(flag: string): string {
  return Object.entries(SHORT)
    .filter(([, long]) => long === flag)
    .map(([short]) => short)
    .join(', ');
}

/** Spells short flags out, with or without their value behind them: `-p 80`, `-p=80`, `-p80`. Values stay what they are. */
export function spellOut(args: readonly string[]): string[] {
  const spelled: string[] = [];
  let isValue = false;
  for (const arg of args) {
    const [name = '', value]: readonly string[] = isValue ? [] : splitShort(arg);
    const flag = SHORT[name];
    spelled.push(flag === undefined ? arg : value === undefined ? flag : `${flag}=${value}`);
    isValue =
      !isValue && arg.startsWith('-') && value === undefined && !arg.includes('=') && !SWITCHES.has(arg);
  }
  return spelled;
}

/** A short flag's name and, where it is written with it, its value. */
function splitShort(arg: string): readonly string[] {
  const name = SHORT_NAMES.find((short) => arg.startsWith(short));
  if (name === undefined) return [];
  const rest = arg.slice(name.length);
  return rest === '' ? [name] : [name, rest.replace(/^=/, '')];
}
