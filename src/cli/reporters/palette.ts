import { styleText } from 'node:util';
import type { Io } from '../io.ts';

type Style = 'red' | 'green' | 'yellow' | 'cyan' | 'magenta' | 'blue' | 'gray' | 'bold';

/**
 * ECMA-48 §5.4 control sequences, §5.6 strings (titles, links) and plain escapes. Only those that begin
 * with ESC: the one-byte forms of 8-bit terminals are parts of letters in UTF-8.
 */
const ESCAPE_SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-OQ-WYZ\\`-~])/g;

/** Colours, where they are wanted. https://no-color.org, https://force-color.org: FORCE_COLOR wins, as in Node. */
export interface Palette {
  readonly enabled: boolean;
  paint(style: Style, text: string): string;
  /** A log as it may be shown: without escape sequences where colours are off. */
  log(bytes: Buffer): Buffer;
}

export function openPalette({ env, stdout }: Io): Palette {
  const enabled = wantsColour(env, 'isTTY' in stdout && stdout.isTTY === true);
  return {
    enabled,
    paint: (style, text) => (enabled ? styleText(style, text, { validateStream: false }) : text),
    log(bytes) {
      if (enabled || !bytes.includes(0x1b)) return bytes;
      return Buffer.from(bytes.toString('latin1').replaceAll(ESCAPE_SEQUENCE, ''), 'latin1');
    },
  };
}

export function wantsColour(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if (env['NO_COLOR']) return false;
  return isTerminal && env['TERM'] !== 'dumb';
}

/**
 * Tasks write into pipes and would guess "no colours": they are told what we found. Exactly one of the
 * two variables, for Node warns about both.
 */
export function colourVariables(env: NodeJS.ProcessEnv, enabled: boolean): NodeJS.ProcessEnv {
  const { NO_COLOR: _, FORCE_COLOR: forced, ...rest } = env;
  return enabled ? { ...rest, FORCE_COLOR: forced ?? '1' } : { ...rest, NO_COLOR: '1' };
}
